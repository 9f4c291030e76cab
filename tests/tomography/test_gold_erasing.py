from dataclasses import replace

import numpy as np
import pytest
from gaussian_blobs import Blobs, dark_series, disturbed_geometry

from gyrovox.errors import SettingsError
from gyrovox.tomography.gold_erasing import gold_erased
from gyrovox.tomography.reconstruction import smeared_rows, weighted_back_projection
from gyrovox.volumes import Region

SHAPE = (24, 48, 48)
BEADS = Blobs(
    centres=np.array([[4.0, -9.0, -11.0], [-6.0, 3.0, 8.0], [0.0, 14.0, -5.0], [7.0, -3.0, 12.0]]),
    widths=np.full(4, 1.6),
    heights=np.full(4, 0.15),
)


@pytest.fixture(scope="module")
def with_gold():
    geometry = disturbed_geometry(2, np.arange(-60.0, 61.0, 5.0), axis=4.0, shift=1.0)
    return dark_series(BEADS.images(geometry, (48, 48)), geometry, seed=3)


def test_beads_are_counted(with_gold):
    _, beads = gold_erased(with_gold, 6.0, seed=0)
    assert beads == 4


def test_streaks_of_gold_go(with_gold):
    step, _ = gold_erased(with_gold, 6.0, seed=0)
    nothing = replace(
        with_gold,
        images=np.random.default_rng(0).poisson(200.0, with_gold.images.shape).astype(np.float32),
    )
    spreads = [
        tomogram[:, 8:-8, 8:-8].std()
        for tomogram in (
            weighted_back_projection(with_gold, SHAPE),
            smeared_rows(with_gold, SHAPE, steps=[step], quiet=True).read(Region.whole(SHAPE))[0],
            weighted_back_projection(nothing, SHAPE),
        )
    ]
    # What is left above the noise is a tenth of what gold did.
    assert spreads[1] - spreads[2] < 0.1 * (spreads[0] - spreads[2])


def test_a_bead_that_one_image_hides_is_erased_there_too(with_gold):
    hidden = with_gold.images.copy()
    place = np.rint(with_gold.geometry.project(BEADS.centres)[10, 0] + 24).astype(int)
    box = (slice(place[0] - 3, place[0] + 4), slice(place[1] - 3, place[1] + 4))
    hidden[10][box] = 200.0
    hidden[10][place[0], place[1]] = 5000.0  # a cosmic ray hides it from the search
    step, _ = gold_erased(replace(with_gold, images=hidden), 6.0, seed=0)
    assert step(10, hidden[10])[place[0], place[1]] < 1000


def test_a_negative_seed_is_refused(with_gold):
    with pytest.raises(SettingsError, match="seed must not be negative, got -1"):
        gold_erased(with_gold, 6.0, seed=-1)
