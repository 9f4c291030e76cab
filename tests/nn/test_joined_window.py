import literal_convolution as literal
import pytest
import torch
from scipy.special import beta
from torch.testing import assert_close

from gyrovox.nn.joined_window import beta_shrink, by_group, joined_distances


@pytest.mark.parametrize(("joined", "dim"), [(1, 1), (2, 1), (54, 2), (432, 16)])
def test_shrink_is_the_ratio_of_beta_functions(joined, dim):
    assert beta_shrink(joined, dim) == pytest.approx(
        beta(joined / 2, 0.5) / beta(dim / 2, 0.5), rel=1e-12
    )


def test_shrink_keeps_the_length_of_a_random_code():
    # The mean length of n standard normal numbers is √2 Γ((n+1)/2) / Γ(n/2).
    draws = torch.randn(4000, 54, dtype=torch.float64)
    alone = draws[:, :2].norm(dim=1).mean()
    joined = beta_shrink(54, 2) * draws.norm(dim=1).mean()
    assert_close(joined, alone, rtol=0.05, atol=0)


@pytest.mark.parametrize("c", [0.1, 1.0, 4.0])
def test_distances_agree_with_the_mobius_definition(c):
    codes = torch.randn(2, 6, 1, 1, 3, dtype=torch.float64)
    normals, offsets = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    sizes = normals.norm(dim=1)
    # Two groups of three numbers, two gyroplanes each.
    grouped = by_group(codes, 2)
    members = (normals / sizes[:, None]).view(2, 2, 3)
    products = torch.einsum("bgizyx,gmi->bgmzyx", grouped, members).flatten(1, 2)
    squares = grouped.square().sum(2)
    found = joined_distances(products, squares, sizes, offsets, curvature=-c)
    for batch in range(2):
        for x in range(3):
            for out in range(4):
                code = grouped[batch, out // 2, :, 0, 0, x].tolist()
                expected = literal.response(code, normals[out].tolist(), float(offsets[out]), c)
                assert float(found[batch, out, 0, 0, x]) == pytest.approx(expected, rel=1e-9)


def test_slope_is_zero_at_the_origin():
    squares = torch.zeros(1, 1, 1, 1, 1, requires_grad=True)
    products = torch.zeros(1, 1, 1, 1, 1)
    joined_distances(products, squares, torch.ones(1), torch.full((1,), 0.3)).sum().backward()
    assert bool(squares.grad.isfinite().all())
