"""What was seen of turned particles, beside the spectrum of a turned tomogram."""

import numpy as np
import pytest
import torch
from scattered_molecules import turn

from gyrovox.errors import SettingsError
from gyrovox.particles.averaging.turned_wedges import turned_wedges
from gyrovox.tomography.missing_wedge import wedge_mask

RANGE = (-50.0, 60.0)


def test_unturned_it_is_the_wedge_of_the_tomogram():
    found = turned_wedges(np.eye(3)[None], 16, RANGE)[0].numpy()
    expected = wedge_mask((16,) * 3, RANGE)
    edge = np.abs(found - 0.5) < 0.499
    # An even axis' last frequency stands for both signs, which differ in a tilted range.
    edge[8], edge[..., 8] = True, True
    assert edge.mean() < 0.3
    np.testing.assert_array_equal(found[~edge], expected[~edge])


def test_a_frequency_of_the_box_is_the_turned_one_of_the_tomogram():
    matrix = turn((0.2, 0.9, -0.4), 70)
    found = turned_wedges(matrix[None], 16, RANGE)[0].numpy()
    draw = np.random.default_rng(0)
    checked = 0
    for _ in range(200):
        z, y, x = draw.integers(-7, 8), draw.integers(-7, 8), draw.integers(1, 8)
        k = matrix @ (z, y, x)
        angle = np.degrees(np.arctan2(k[0], k[2]) % np.pi)
        angle = angle if angle <= 90 else angle - 180
        margin = min(angle - RANGE[0], RANGE[1] - angle)
        if abs(margin) > 2 and np.hypot(k[0], k[2]) > 0.5:
            assert found[z, y, x] == (margin > 0), (z, y, x)
            checked += 1
    assert checked > 150


def test_without_a_wedge_everything_is_seen():
    assert (turned_wedges(np.eye(3)[None], 8, None) == torch.ones(1, 8, 8, 5)).all()


def test_a_wrong_range_is_refused():
    with pytest.raises(SettingsError, match="a range of tilts must grow"):
        turned_wedges(np.eye(3)[None], 8, (60.0, -60.0))
