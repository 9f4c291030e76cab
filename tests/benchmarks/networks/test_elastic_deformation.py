import numpy as np
import pytest
import torch
from benchmarks.quality.networks.elastic_deformation import (
    deformed_positions,
    elastic_displacement,
)
from benchmarks.quality.networks.spatial_transform import voxel_positions
from scipy.interpolate import BSpline


class EveryTime:
    """A generator whose normal draws are one number."""

    def __init__(self, value):
        self.value = value

    def normal(self, mean, deviation, shape):
        return np.full(shape, mean + deviation * self.value)

    def uniform(self, low, high, size=None):
        middle = (low + high) / 2
        return middle if size is None else np.full(size, middle)


def test_equal_coefficients_move_every_voxel_alike():
    moved = elastic_displacement((9, 40, 65), EveryTime(1.0), spacing=16.0, deviation=3.0)
    np.testing.assert_allclose(moved, 3.0, atol=1e-5)


def test_nothing_drawn_leaves_the_box_where_it_is():
    where = deformed_positions((3, 4, 5), (6, 7, 8), EveryTime(0.0))
    expected = voxel_positions((6, 7, 8)) + torch.tensor([3.0, 4.0, 5.0]).view(3, 1, 1, 1)
    torch.testing.assert_close(where, expected, atol=1e-4, rtol=0)


def test_turning_and_scaling_keep_the_middle_and_all_angles():
    where = deformed_positions((0, 0, 0), (5, 5, 5), np.random.default_rng(0), deviation=0.0)
    torch.testing.assert_close(where[:, 2, 2, 2], torch.full((3,), 2.0), atol=1e-4, rtol=0)
    edges = torch.stack([
        where[:, 3, 2, 2] - where[:, 2, 2, 2],
        where[:, 2, 3, 2] - where[:, 2, 2, 2],
        where[:, 2, 2, 3] - where[:, 2, 2, 2],
    ])
    gram = edges @ edges.T
    torch.testing.assert_close(gram, gram[0, 0] * torch.eye(3), atol=1e-4, rtol=0)
    assert 1 / 1.15 <= gram[0, 0].sqrt() <= 1.15
    assert (where - voxel_positions((5, 5, 5))).abs().max() > 0.1


def test_a_field_has_the_spread_of_its_splines():
    chance = np.random.default_rng(0)
    fields = np.stack([
        elastic_displacement((5, 5, 5), chance, spacing=4.0, deviation=2.0) for _ in range(500)
    ])
    # The middle voxel lies half way between two knots of the one interval.
    basis = BSpline.basis_element(np.arange(5.0))
    on_axis = sum(float(basis(place)) ** 2 for place in (0.5, 1.5, 2.5, 3.5))
    assert fields[:, :, 2, 2, 2].std() == pytest.approx(2.0 * on_axis**1.5, rel=0.05)


def test_a_field_is_smooth():
    moved = elastic_displacement((48, 48, 48), np.random.default_rng(0), spacing=32, deviation=4)
    assert np.abs(moved).max() > 1
    assert max(np.abs(np.diff(moved, 2, axis)).max() for axis in (1, 2, 3)) < 0.1
