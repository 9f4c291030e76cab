import itertools

import ball_in_60_digits as exact
import compiled_layers
import convolution_laws as laws
import hypothesis
import literal_convolution as literal
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from gyrovox.geometry import Euclidean, PoincareBall, poincare
from gyrovox.geometry.gyroplane import through_point
from gyrovox.nn import EuclideanPlaneConv3d, Gyroplane, GyroplaneConv3d, plane_conv3d
from gyrovox.nn.window import padded

# As in nn.Conv3d, torch says that an even window needs a padded copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

# Every option of nn.Conv3d, odd and even, one value and three.
WINDOWS = {
    "plain": {"kernel_size": 3},
    "point": {"kernel_size": 1},
    "even": {"kernel_size": 2, "padding": 1},
    "padded": {"kernel_size": 3, "padding": 1},
    "same": {"kernel_size": 3, "padding": "same"},
    "same even": {"kernel_size": (2, 3, 2), "padding": "same"},
    "valid": {"kernel_size": 3, "padding": "valid"},
    "strided": {"kernel_size": 3, "stride": 2, "padding": 2},
    "dilated": {"kernel_size": 2, "dilation": 2},
    "dilated same": {"kernel_size": 3, "dilation": 2, "padding": "same"},
    "uneven": {"kernel_size": (1, 2, 3), "stride": (2, 1, 2), "padding": (0, 1, 2)},
    "uneven dilated": {"kernel_size": (3, 1, 2), "dilation": (1, 2, 3), "padding": (1, 0, 0)},
    "groups": {"kernel_size": 3, "groups": 2, "padding": 1},
    "all groups": {"kernel_size": 2, "groups": 4, "stride": 2},
    "replicate": {"kernel_size": 3, "padding": 1, "padding_mode": "replicate"},
    "reflect": {"kernel_size": 3, "padding": (1, 2, 1), "padding_mode": "reflect"},
    "circular same": {"kernel_size": 2, "padding": "same", "padding_mode": "circular"},
}


@pytest.fixture(params=WINDOWS)
def window(request):
    return WINDOWS[request.param]


def bordered(codes, layer):
    """The input with its border written out, by the documented meaning of `padding`."""
    if layer.padding == "valid":
        sides = [0] * 6
    elif layer.padding == "same":
        totals = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        sides = [side for total in reversed(totals) for side in (total // 2, total - total // 2)]
    else:
        sides = [side for side in reversed(layer.padding) for _ in range(2)]
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return nn.functional.pad(codes, sides, mode=mode)


@torch.no_grad()
def check_literally(layer, codes):
    """The layer gives what the loops over its windows give."""
    layer = layer.double()
    layer.weight.normal_()
    expected = literal.convolution(layer, codes, bordered(codes, layer), c=-layer.curvature)
    assert_close(layer(codes), expected, rtol=1e-9, atol=1e-9)


@st.composite
def settings_and_sides(draw):
    """The settings of a layer, and the sides of codes that hold at least one window."""
    axes = []
    for _ in range(3):
        kernel, stride, dilation, more = (
            draw(st.integers(1, most), label=name)
            for name, most in (("kernel", 3), ("stride", 2), ("dilation", 2), ("more", 3))
        )
        padding = draw(st.integers(0, 2), label="padding")
        side = max(1, dilation * (kernel - 1) - 2 * padding + more)
        axes.append((kernel, stride, padding, dilation, side))
    names = ("kernel_size", "stride", "padding", "dilation", "side")
    drawn = dict(zip(names, zip(*axes, strict=True), strict=True))
    sides = drawn.pop("side")
    dim = draw(st.integers(1, 3), label="dim")
    groups, members, codes = (draw(st.integers(1, 2)) for _ in range(3))
    channels = {"in_channels": groups * codes * dim, "out_channels": groups * members}
    return drawn | channels | {"groups": groups, "dim": dim}, sides


@pytest.mark.no_cover
@given(drawn=settings_and_sides())
@hypothesis.settings(max_examples=50)
def test_agrees_with_loops_over_windows_and_offsets(curvature, meaning, drawn):
    settings, sides = drawn
    layer = GyroplaneConv3d(**settings, meaning=meaning, curvature=curvature)
    shape = (1, settings["in_channels"], *sides)
    check_literally(layer, (-curvature) ** -0.5 * torch.randn(shape, dtype=torch.float64))


def test_agrees_with_loops_in_every_mode_of_padding(window, meaning):
    dim = 1 if window.get("groups") == 4 else 2
    layer = GyroplaneConv3d(4, 4, **window, dim=dim, meaning=meaning, curvature=-0.5)
    check_literally(layer, torch.randn(1, 4, 4, 3, 4, dtype=torch.float64))


@torch.no_grad()
def test_shared_is_the_sum_of_gyroplane_units_in_60_digits(curvature):
    # Equation 7: a gyroplane by any of its points p and any normal a there, one for all offsets.
    ball = (-curvature) ** -0.5
    p = ball * torch.tensor([[0.3, -0.2, 0.5], [-0.6, 0.1, 0.0]], dtype=torch.float64)
    a = torch.randn(2, 3, dtype=torch.float64)
    unit = poincare.conformal_factor(p, curvature=curvature) * a.norm(dim=-1)
    normal, offset = through_point(p, a, curvature=curvature)
    layer = GyroplaneConv3d(3, 2, 2, meaning="shared", curvature=curvature).double()
    layer.weight.copy_((unit[:, None] / 2 * normal).view(2, 3, 1, 1, 1))
    layer.offset.copy_(offset.view(2, 1, 1, 1, 1))
    codes = ball * torch.randn(1, 3, 2, 2, 3, dtype=torch.float64)
    found = layer(codes)
    for plane, x in itertools.product(range(2), range(2)):
        expected = sum(
            float(unit[plane])
            * float(
                exact.gyroplane_distance(
                    codes[0, :, dz, dy, x + dx].tolist(),
                    p[plane].tolist(),
                    a[plane].tolist(),
                    curvature=curvature,
                )
            )
            for dz, dy, dx in itertools.product(range(2), repeat=3)
        )
        assert float(found[0, plane, 0, 0, x]) == pytest.approx(expected, rel=1e-12)


def test_has_the_shape_of_conv3d(window, meaning):
    theirs, ours = nn.Conv3d(4, 8, **window), GyroplaneConv3d(4, 8, **window, meaning=meaning)
    codes = torch.randn(2, 4, 5, 6, 7)
    assert ours(codes).shape == theirs(codes).shape
    flat = EuclideanPlaneConv3d(4, 8, **window, meaning=meaning)
    assert flat(codes).shape == theirs(codes).shape


def test_becomes_its_twin_as_curvature_vanishes(window, meaning):
    curved = GyroplaneConv3d(4, 8, **window, meaning=meaning, curvature=-1e-10)
    flat = EuclideanPlaneConv3d(4, 8, **window, meaning=meaning)
    laws.check_becomes_its_twin(curved, flat, torch.randn(2, 4, 5, 6, 7, dtype=torch.float64))


def test_the_twin_is_conv3d_with_one_bias(meaning):
    flat = EuclideanPlaneConv3d(4, 8, 3, padding=1, meaning=meaning).double()
    theirs = nn.Conv3d(4, 8, 3, padding=1).double()
    with torch.no_grad():
        theirs.weight.copy_(4 * flat.planes.shrink * flat.weight.expand(-1, -1, 3, 3, 3))
        # What a window of origins gives, anywhere.
        theirs.bias.copy_(flat(torch.zeros(1, 4, 3, 3, 3, dtype=torch.float64))[0, :, 0, 1, 2])
    codes = torch.randn(2, 4, 4, 4, 4, dtype=torch.float64)
    assert_close(flat(codes), theirs(codes))


def test_a_volume_of_origins_gives_the_same_everywhere(meaning):
    layer = GyroplaneConv3d(4, 3, 3, stride=2, padding=2, dim=2, meaning=meaning)
    features = layer(torch.zeros(1, 4, 5, 5, 5))
    assert_close(features, features[:, :, 1:2, 1:2, 1:2].expand_as(features))
    assert bool((features.abs() > 1e-3).any())


def test_twins_start_from_the_same_values_for_a_seed(meaning):
    kinds = (GyroplaneConv3d, EuclideanPlaneConv3d)
    state = laws.starting_values(kinds, 4, 8, 3, dim=2, meaning=meaning)
    # Slopes like nn.Conv3d's, planes within the distance 1 of the origin.
    flat = EuclideanPlaneConv3d(4, 8, 3, dim=2, meaning=meaning)
    slopes = 4 * flat.planes.shrink * state["weight"].abs()
    assert 0.9 * (4 * 27) ** -0.5 < float(slopes.max()) <= (4 * 27) ** -0.5
    assert float(state["offset"].abs().max()) <= 0.5


def test_shared_is_per_offset_with_one_gyroplane_for_all(curvature):
    shared = GyroplaneConv3d(4, 3, 3, padding=1, dim=2, meaning="shared", curvature=curvature)
    each = GyroplaneConv3d(4, 3, 3, padding=1, dim=2, meaning="per_offset", curvature=curvature)
    with torch.no_grad():
        each.weight.copy_(shared.weight.expand_as(each.weight))
        each.offset.copy_(shared.offset.expand_as(each.offset))
    codes = torch.randn(2, 4, 4, 4, 4)
    assert_close(shared(codes), each(codes))


def test_a_point_kernel_is_the_gyroplane_layer(curvature, meaning):
    conv = GyroplaneConv3d(3, 5, 1, meaning=meaning, curvature=curvature)
    layer = Gyroplane(3, 5, curvature=curvature)
    with torch.no_grad():
        conv.weight.copy_(layer.weight[:, :, None, None, None])
        conv.offset.copy_(layer.offset.view_as(conv.offset))
    codes = (-curvature) ** -0.5 * torch.randn(2, 3, 4, 4, 4)
    assert_close(conv(codes), layer(codes.movedim(1, -1)).movedim(-1, 1))


def test_float32_agrees_with_float64(window, curvature, meaning):
    layer = GyroplaneConv3d(4, 8, **window, meaning=meaning, curvature=curvature)
    laws.check_float32_agrees_with_float64(layer, torch.randn(2, 4, 5, 6, 7))


def test_gradients_are_right_at_the_origin_and_elsewhere(curvature, meaning):
    layer = GyroplaneConv3d(2, 2, 2, padding=1, meaning=meaning, curvature=curvature)
    laws.check_gradients(layer)


def test_a_learned_curvature_gets_its_gradient(meaning):
    curvature = nn.Parameter(torch.tensor(-0.7, dtype=torch.float64))
    layer = plane_conv3d(PoincareBall(curvature), 2, 3, 2, meaning=meaning).double()
    assert any(parameter is curvature for parameter in layer.parameters())
    codes = torch.randn(1, 2, 3, 3, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda kappa: torch.func.functional_call(layer, {"curvature": kappa}, (codes,)),
        (curvature,),
    )


def test_far_codes_stay_finite_in_float32(meaning):
    layer = GyroplaneConv3d(2, 3, 3, padding=1, meaning=meaning)
    codes = (200 * torch.randn(1, 2, 4, 4, 4)).requires_grad_()
    features = layer(codes)
    features.sum().backward()
    assert bool(features.isfinite().all() & codes.grad.isfinite().all())
    assert_close(features.double(), layer.double()(codes.double()), rtol=1e-4, atol=1e-3)


def test_a_layer_is_restored_from_its_state(meaning, tmp_path):
    layer, other = (GyroplaneConv3d(4, 3, 3, stride=2, dim=2, meaning=meaning) for _ in range(2))
    codes = torch.randn(1, 4, 5, 5, 5)
    laws.check_is_restored_from_its_state(layer, other, codes, tmp_path / "state.pt")


def test_a_state_of_another_meaning_is_refused():
    state = GyroplaneConv3d(2, 3, 3, meaning="per_offset").state_dict()
    for other in ("shared", "concatenated"):
        with pytest.raises(RuntimeError, match="size mismatch for offset"):
            GyroplaneConv3d(2, 3, 3, meaning=other).load_state_dict(state)


@pytest.mark.slow
def test_compiles_in_one_graph():
    compiled_layers.run_without_checks("conv")


def test_plane_conv3d_chooses_by_manifold(window, meaning):
    curved = plane_conv3d(PoincareBall(-2.0), 4, 8, **window, meaning=meaning)
    assert isinstance(curved, GyroplaneConv3d)
    assert curved.curvature == -2.0
    flat = plane_conv3d(Euclidean(), 4, 8, **window, meaning=meaning)
    assert isinstance(flat, EuclideanPlaneConv3d)
    assert flat.planes == curved.planes
    codes = torch.randn(1, 4, 5, 5, 5)
    assert flat(codes).shape == curved(codes).shape


def test_layer_prints_its_meaning_and_curvature():
    assert repr(GyroplaneConv3d(4, 4, 3, dim=2, meaning="shared")).endswith(
        "bias=False, meaning=shared, dim=2, curvature=-1)"
    )
    assert repr(EuclideanPlaneConv3d(2, 4, 3)).endswith("meaning=concatenated, dim=2)")


def test_a_group_holds_whole_codes():
    with pytest.raises(ValueError, match=r"must be a multiple of dim.*is 3 with dim=2"):
        GyroplaneConv3d(6, 4, 3, groups=2, dim=2)


@pytest.mark.parametrize("meaning", ["shared", "per_offset"])
def test_a_window_must_fit(meaning):
    layer = GyroplaneConv3d(2, 4, 5, padding=1, meaning=meaning)
    with pytest.raises(ValueError, match=r"must hold a window of \(5, 5, 5\) voxels"):
        layer(torch.zeros(1, 2, 2, 5, 5))


def test_the_border_is_written_out_as_documented(window):
    layer = GyroplaneConv3d(4, 4, **window)
    codes = torch.randn(1, 4, 4, 5, 4)
    assert torch.equal(padded(codes, layer), bordered(codes, layer))


def test_no_codes_give_no_features(meaning):
    laws.check_an_empty_batch(GyroplaneConv3d(4, 4, 3, groups=2, dim=2, meaning=meaning))


def test_second_derivatives_are_right_or_refused(meaning):
    laws.check_second_derivatives(GyroplaneConv3d(2, 2, 2, meaning=meaning))
