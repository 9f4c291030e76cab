import ball_in_60_digits as exact
import compiled_layers
import pytest
import torch
from torch.testing import assert_close

from gyrovox.geometry import Euclidean, PoincareBall, poincare
from gyrovox.nn import EuclideanPlane, Gyroplane, plane_layer

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-13}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_layer_agrees_with_the_mobius_definition_in_60_digits(curvature, dtype):
    layer = Gyroplane(3, 5, curvature=curvature).to(dtype)
    codes = (-curvature) ** -0.5 * torch.randn(8, 3, dtype=dtype)
    with torch.no_grad():
        direction = torch.nn.functional.normalize(layer.weight.double(), dim=-1)
        offset = layer.offset.double().unsqueeze(-1)
        p = poincare.exp_origin(offset * direction, curvature=curvature)
        # f = sign λ_p |a| d, with a such that λ_p |a| = λ_0 |Z|.
        expected = torch.tensor(
            [
                [
                    float(exact.gyroplane_distance(u, point, normal, curvature=curvature))
                    for point, normal in zip(p.tolist(), direction.tolist(), strict=True)
                ]
                for u in codes.tolist()
            ],
            dtype=torch.float64,
        )
        expected *= 2 * layer.weight.double().norm(dim=-1)
        assert_close(layer(codes).double(), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_layer_becomes_its_twin_as_curvature_vanishes():
    curved, flat = Gyroplane(3, 8, curvature=-1e-10).double(), EuclideanPlane(3, 8).double()
    flat.load_state_dict(curved.state_dict())
    codes = torch.randn(2, 5, 3, dtype=torch.float64)
    assert_close(curved(codes), flat(codes), rtol=1e-8, atol=1e-8)


def test_twin_is_an_affine_map():
    layer = EuclideanPlane(3, 8)
    codes = torch.randn(5, 3)
    centred = codes.unsqueeze(1) - (
        layer.offset.unsqueeze(-1) * torch.nn.functional.normalize(layer.weight, dim=-1)
    )
    assert_close(layer(codes), 4 * (centred * layer.weight).sum(-1))


def test_both_start_from_the_same_values_for_a_seed():
    torch.manual_seed(0)
    curved = Gyroplane(2, 64)
    torch.manual_seed(0)
    flat = EuclideanPlane(2, 64)
    assert_close(curved.state_dict(), flat.state_dict())
    # Slopes like nn.Linear's, planes within the distance 1 of the origin.
    assert float(4 * flat.weight.detach().abs().max()) <= 2**-0.5
    assert float(flat.offset.detach().abs().max()) <= 0.5


def test_gradients_are_right_at_the_origin_and_elsewhere(curvature):
    layer = Gyroplane(3, 4, curvature=curvature).double()
    for size in (0.0, 1.0):
        codes = (size * torch.randn(3, 3, dtype=torch.float64)).requires_grad_()
        given = (codes, layer.weight, layer.offset)
        assert torch.autograd.gradcheck(
            lambda u, weight, offset: torch.func.functional_call(
                layer, {"weight": weight, "offset": offset}, (u,)
            ),
            given,
        )


def test_far_codes_stay_finite_in_float32():
    layer = Gyroplane(2, 16)
    codes = torch.tensor([[1e3, 0.0], [-40.0, 30.0], [0.0, 1e-30]], requires_grad=True)
    features = layer(codes)
    features.sum().backward()
    assert bool(features.isfinite().all() & codes.grad.isfinite().all())
    assert bool(layer.weight.grad.isfinite().all() & layer.offset.grad.isfinite().all())


def test_plane_layer_chooses_by_manifold():
    layer = plane_layer(PoincareBall(-2.0), 2, 5)
    assert isinstance(layer, Gyroplane)
    assert layer.curvature == -2.0
    assert isinstance(plane_layer(Euclidean(), 2, 5), EuclideanPlane)


def test_a_learned_curvature_stays_learned():
    curvature = torch.nn.Parameter(torch.tensor(-0.7, dtype=torch.float64))
    layer = plane_layer(PoincareBall(curvature), 2, 5).double()
    assert any(parameter is curvature for parameter in layer.parameters())
    codes = torch.randn(3, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda kappa: torch.func.functional_call(layer, {"curvature": kappa}, (codes,)),
        (curvature,),
    )


def test_compiles_in_one_graph():
    compiled_layers.run_without_checks("Gyroplane")


def test_layers_print_themselves():
    assert repr(Gyroplane(2, 5)) == "Gyroplane(2 → 5, curvature=-1)"
    assert repr(EuclideanPlane(2, 5)) == "EuclideanPlane(2 → 5)"


def test_curvature_must_be_negative():
    with pytest.raises(ValueError, match="curvature must be negative and finite"):
        Gyroplane(2, 5, curvature=0.0)


def test_second_derivatives_are_right():
    layer = Gyroplane(2, 3).double()
    codes = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, (codes,))


def test_a_learned_curvature_is_printed():
    curvature = torch.nn.Parameter(torch.tensor(-0.5))
    assert repr(Gyroplane(2, 3, curvature=curvature)).endswith("curvature=-0.5)")
