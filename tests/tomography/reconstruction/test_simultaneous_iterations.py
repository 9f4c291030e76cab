import numpy as np
import pytest
import torch
from gaussian_blobs import dark_series

from gyrovox.errors import SettingsError, TiltSeriesError
from gyrovox.tomography import TiltGeometry, project
from gyrovox.tomography.reconstruction import sirt, write_sirt
from gyrovox.volumes import InMemory

SHAPE = (24, 40, 40)


def test_projections_come_closer_with_every_iteration(series, truth):
    contrasts = series.images / series.images.mean(axis=(1, 2), keepdims=True) - 1
    missing = []
    for iterations in (1, 4, 16):
        found = sirt(series, SHAPE, iterations=iterations)
        assert found.iterations == iterations
        ideal = TiltGeometry.ideal(series.geometry.tilt_degrees)
        again = project(torch.from_numpy(found.voxels), ideal, (40, 40)).numpy()
        missing.append(np.abs(contrasts - again).mean())
    assert missing[0] > missing[1] > missing[2]
    assert missing[2] < 0.25 * np.abs(contrasts).mean()
    assert np.corrcoef(found.voxels.ravel(), truth.ravel())[0, 1] > 0.8


def test_one_iteration_is_the_formula(series):
    """x = C Aᵀ R b, with A as a dense matrix, for one row of sections."""
    geometry = TiltGeometry.ideal(np.array([-40.0, 0.0, 40.0]))
    images = np.random.default_rng(0).uniform(50, 150, (3, 2, 8)).astype(np.float32)
    small = dark_series(np.zeros((3, 2, 8)), geometry)
    small.images[:] = images
    found = sirt(small, (3, 2, 8), iterations=1, relaxation=0.7).voxels
    basis = torch.eye(24, dtype=torch.float64).reshape(24, 3, 1, 8)
    matrix = np.stack([project(one, geometry, (1, 8)).numpy().ravel() for one in basis], axis=1)
    contrasts = images / images.mean(axis=(1, 2), keepdims=True) - 1
    rows = contrasts[:, 1].ravel()
    per_ray = 1 / np.maximum(matrix.sum(axis=1), 1)
    per_voxel = 0.7 / np.maximum(matrix.sum(axis=0), 1)
    wanted = per_voxel * (matrix.T @ (per_ray * rows))
    np.testing.assert_allclose(found[:, 1].ravel(), wanted, atol=1e-5)


def test_it_stops_earlier_where_there_is_more_noise(blobs):
    geometry = TiltGeometry.ideal(np.arange(-60.0, 61.0, 5.0))
    contrasts = blobs.images(geometry, (40, 40))
    counts = [
        sirt(dark_series(contrasts, geometry, counts=dose, seed=1), SHAPE).iterations
        for dose in (20.0, 2000.0)
    ]
    assert 1 <= counts[0] < counts[1] <= 60


def test_images_that_were_left_out_are_foretold_best_where_it_stops(blobs):
    geometry = TiltGeometry.ideal(np.arange(-60.0, 61.0, 5.0))
    noisy = dark_series(blobs.images(geometry, (40, 40)), geometry, counts=300.0, seed=2)
    order = np.argsort(geometry.tilt_degrees)
    left = order[3:-1:6]
    kept = np.setdiff1d(order, left)
    contrasts = noisy.images / noisy.images.mean(axis=(1, 2), keepdims=True) - 1

    def error(iterations):
        found = sirt(noisy.chosen(kept), SHAPE, iterations=iterations).voxels
        again = project(torch.from_numpy(found), geometry.chosen(left), (40, 40)).numpy()
        middle = slice(12, 28)
        return np.square(again - contrasts[left])[:, middle].mean()

    chosen = sirt(noisy, SHAPE).iterations
    assert error(chosen) < min(error(max(1, chosen // 3)), error(3 * chosen))


def test_slabs_across_y_change_nothing(series, monkeypatch):
    whole = sirt(series, SHAPE, iterations=3).voxels
    monkeypatch.setattr(
        "gyrovox.tomography.reconstruction.simultaneous_iterations._VOXELS_AT_ONCE", 7 * 24 * 40
    )
    np.testing.assert_allclose(sirt(series, SHAPE, iterations=3).voxels, whole, atol=1e-6)


@pytest.mark.gpu
def test_a_gpu_gives_the_same(series, device):
    found = sirt(series, SHAPE, iterations=5, where=device).voxels
    wanted = sirt(series, SHAPE, iterations=5).voxels
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_wrong_settings_are_refused(series):
    with pytest.raises(SettingsError, match="iterations must be at least 1, or 'auto', got 0"):
        sirt(series, SHAPE, iterations=0)
    with pytest.raises(SettingsError, match="above 0 and below 2, got 2"):
        sirt(series, SHAPE, relaxation=2.0)
    with pytest.raises(TiltSeriesError, match=r"must have voxels, got shape \(0, 4, 4\)"):
        write_sirt(series, InMemory(np.empty((1, 0, 4, 4), np.float32)))
