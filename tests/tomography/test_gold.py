import numpy as np
import pytest
from scipy import ndimage

from gyrovox.errors import SettingsError
from gyrovox.tomography.gold import erase_gold, find_gold

DIAMETER = 8.0


def with_discs(places, shape=(80, 96), *, darkness=60.0, seed=0):
    """Counts with noise, and dark discs whose edges are a pixel wide."""
    grid = np.indices(shape)
    image = np.full(shape, 200.0)
    for place in places:
        away = [axis - at for axis, at in zip(grid, place, strict=True)]
        distance = np.sqrt(sum(axis**2 for axis in away))
        image -= darkness * np.clip(0.5 + DIAMETER / 2 - distance, 0, 1)
    noisy = image + 12 * np.random.default_rng(seed).standard_normal(shape)
    return noisy.astype(np.float32)


PLACES = np.array([[20.3, 30.7], [41.5, 70.2], [60.0, 25.4], [10.8, 80.1]])


def test_discs_are_found_to_a_fraction_of_a_pixel():
    found = find_gold(with_discs(PLACES), DIAMETER)
    assert len(found) == len(PLACES)
    distance = np.linalg.norm(PLACES[:, None] - found[None], axis=2)
    assert distance.min(axis=1).max() < 0.3


def test_balls_are_found_in_a_volume():
    place = np.array([[14.2, 16.6, 20.4]])
    found = find_gold(with_discs(place, (28, 32, 40)), DIAMETER)
    np.testing.assert_allclose(found, place, atol=0.3)


def test_what_is_faint_is_no_gold():
    assert len(find_gold(with_discs(PLACES, darkness=15.0), DIAMETER)) == 0
    assert find_gold(with_discs([]), DIAMETER).shape == (0, 2)


def test_bright_discs_are_no_gold():
    assert len(find_gold(400 - with_discs(PLACES), DIAMETER)) == 0


def test_beads_that_touch_are_two():
    pair = np.array([[40.0, 40.0], [40.0, 49.0]])
    found = find_gold(with_discs(pair), DIAMETER)
    assert len(found) == 2


def test_erased_gold_looks_like_its_surroundings():
    image = with_discs(PLACES)
    slope = np.linspace(-40, 40, 96, dtype=np.float32)
    erased = erase_gold(image + slope, PLACES, DIAMETER, seed=1) - slope
    assert erased.mean() == pytest.approx(200, abs=0.6)
    # Smoothed, a bead that is left would stand out by tens.
    smooth = ndimage.gaussian_filter(erased, 2)
    assert np.abs(smooth - 200).max() < 14
    for place in PLACES.astype(int):
        box = tuple(slice(at - 3, at + 4) for at in place)
        assert 7 < erased[box].std() < 17


def test_pixels_away_from_gold_stay_as_they_are():
    image = with_discs(PLACES)
    erased = erase_gold(image, PLACES, DIAMETER, seed=1)
    changed = np.argwhere(erased != image)
    distance = np.linalg.norm(changed[:, None] - PLACES[None], axis=2).min(axis=1)
    assert len(changed) > 200
    assert distance.max() <= 1.3 * DIAMETER / 2


def test_erasing_is_the_same_for_a_seed():
    image = with_discs(PLACES)
    one, same, other = (erase_gold(image, PLACES, DIAMETER, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_beads_at_and_beyond_the_edge_do_no_harm():
    image = with_discs([[0.0, 0.0]])
    erased = erase_gold(image, np.array([[0.0, 0.0], [-30.0, 500.0]]), DIAMETER, seed=0)
    assert erased[:3, :3].mean() > 180


def test_wrong_diameters_are_refused():
    with pytest.raises(SettingsError, match=r"at least 2 pixels wide to be found, got 1\.5"):
        find_gold(with_discs([]), 1.5)
    with pytest.raises(SettingsError, match="must be above 0 pixels, got 0"):
        erase_gold(with_discs([]), PLACES, 0.0, seed=0)
