import pytest
import torch
from compile_laws import check_compiles, plain_geometry

from gyrovox.geometry.curvature import in_double, root_of


def test_root_of_curvature():
    assert root_of(-4.0) == 2.0


def test_root_of_a_learned_curvature_has_its_slope():
    kappa = torch.tensor(-4.0, dtype=torch.float64, requires_grad=True)
    root = root_of(kappa)
    assert root.item() == 2.0
    assert torch.autograd.grad(root, kappa)[0].item() == -1 / 4
    assert root_of(kappa.float()).dtype == torch.float32


@pytest.mark.parametrize("wrong", [0.0, 1.0, float("nan"), float("-inf")])
@pytest.mark.parametrize("kind", [float, torch.tensor])
def test_curvature_must_be_negative(wrong, kind):
    with pytest.raises(ValueError, match=f"must be negative and finite.* is {wrong}.* Give κ < 0"):
        root_of(kind(wrong))


def test_curvature_is_one_number():
    # A checked signature refuses the shape before; a user's call comes here.
    root = plain_geometry().curvature.root_of
    with pytest.raises(ValueError, match=r"a 0-dim tensor, and has shape \(2,\).*index or reshape"):
        root(torch.tensor([-1.0, -1.0]))


def test_in_double_changes_tensors_alone():
    assert in_double(-0.1) == -0.1
    assert in_double(torch.tensor(-0.1)).dtype == torch.float64


@pytest.mark.no_cover
def test_compiles_without_graph_breaks():
    check_compiles(
        lambda geometry: lambda x, curvature: x * geometry.curvature.root_of(curvature),
        [torch.rand(3, dtype=torch.float64)],
        curvature=-2.0,
    )
