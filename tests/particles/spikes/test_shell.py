"""Shells around a virion: their points, areas, backgrounds and peaks."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from gyrovox.particles.spikes.directions import even_directions
from gyrovox.particles.spikes.membrane import MembraneSurface
from gyrovox.particles.spikes.shell import Shell, band_of, flattened, peaks, smoothed
from gyrovox.particles.spikes.virions import Virion

RADIUS = 30.0


def ball(function, *, side=35, size=3.0, inside=None):
    """A virion whose density is a function of the vectors (z, y, x) from its centre, in nm."""
    centre = np.full(3, (side // 2) * size)
    away = np.stack(np.indices((side,) * 3), axis=-1) * size - centre
    return Virion(
        row=0,
        density=function(away).astype(np.float32),
        inside=np.ones((side,) * 3, np.bool_) if inside is None else inside,
        origin_nm=np.zeros(3),
        voxel_size_nm=size,
        membrane=MembraneSurface(
            centre_nm=centre, coefficients=np.array([RADIUS * (4 * np.pi) ** 0.5])
        ),
        is_clipped=False,
    )


def radius(away):
    return np.linalg.norm(away, axis=-1)


@pytest.fixture(scope="module")
def shell():
    return Shell.around(ball(radius), 6.0, 16.0)


def test_columns_read_the_volume_along_the_normals(shell):
    columns = shell.columns(shell.virion.density)
    # Linear interpolation of a curved function is off by the square of the voxel over the radius.
    np.testing.assert_allclose(
        columns, np.broadcast_to(30 + shell.heights_nm, columns.shape), atol=0.15
    )


def test_areas_add_up_to_the_sphere_through_the_middle(shell):
    assert shell.areas_nm2.sum() == pytest.approx(4 * np.pi * 41.0**2)
    assert shell.seen_nm2 == pytest.approx(shell.areas_nm2.sum())


def test_what_is_not_inside_is_not_seen():
    half = np.ones((35,) * 3, np.bool_)
    half[:, :, 18:] = False
    shell = Shell.around(ball(radius, inside=half), 6.0, 16.0)
    assert not shell.is_seen[shell.directions[:, 2] > 0.15].any()
    assert shell.is_seen[shell.directions[:, 2] < -0.05].all()
    assert shell.seen_nm2 / shell.areas_nm2.sum() == pytest.approx(0.5, abs=0.05)


def test_what_depends_on_height_and_latitude_alone_is_background():
    def fringes(away):
        return np.sin(radius(away) / 3) * (1 - (away[..., 0] / np.maximum(radius(away), 1)) ** 2)

    shell = Shell.around(ball(fringes), 6.0, 16.0)
    (flat,) = flattened((shell,), (shell.virion.density,))
    assert np.abs(shell.columns(shell.virion.density)).mean() > 0.3
    assert np.abs(flat).mean() < 0.12


def test_bands_are_as_large_as_each_other():
    counts = np.bincount(band_of(even_directions(5000)))
    np.testing.assert_allclose(counts, 1000, atol=2)


def test_smoothing_averages_under_a_gaussian_of_its_width(shell):
    values = np.random.default_rng(0).normal(size=len(shell.directions))
    found = smoothed(shell, values, width_nm=3.0)
    some = np.arange(0, len(values), 211)
    gaps = np.linalg.norm(shell.middles_nm[some, None] - shell.middles_nm[None], axis=-1)
    weights = np.exp(-(gaps**2) / 18) * (gaps <= 7.5)
    np.testing.assert_allclose(found[some], weights @ values / weights.sum(axis=1), rtol=1e-9)


def test_smoothing_leaves_out_what_is_unknown(shell):
    values = np.ones(len(shell.directions))
    values[shell.directions[:, 0] > 0] = np.nan
    found = smoothed(shell, values, width_nm=3.0)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    np.testing.assert_allclose(found[np.isfinite(found)], 1.0)


def test_peaks_are_the_bumps_and_keep_their_distance(shell):
    bumps = even_directions(9)
    away = np.arccos(np.clip(shell.directions @ bumps.T, -1, 1)) * 41
    heights = np.linspace(1, 2, 9)
    values = (heights * np.exp(-(away**2) / (2 * 4.0**2))).sum(axis=1)
    found = peaks(shell, values, spacing_nm=12.0)[:9]
    gaps = cKDTree(shell.directions[found]).query(bumps)[0] * 41
    assert gaps.max() < 2.0
    np.testing.assert_array_equal(np.argsort(-values[found]), np.arange(9))
    between = cKDTree(shell.middles_nm[peaks(shell, values, spacing_nm=12.0)])
    assert not between.query_pairs(12.0 - 1e-9)


def test_no_peak_is_found_where_nothing_is_known(shell):
    assert len(peaks(shell, np.full(len(shell.directions), np.nan), spacing_nm=12.0)) == 0
