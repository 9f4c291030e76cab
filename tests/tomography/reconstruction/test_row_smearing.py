import numpy as np
import torch

from gyrovox.tomography.reconstruction.row_smearing import SmearedRows
from gyrovox.volumes import ArraySource, Region

TILTS = np.array([-40.0, 0.0, 35.0])


def smeared(rows, *, samples_per_pixel=1):
    return SmearedRows(
        rows,
        TILTS,
        (9, 70, 12),
        samples_per_pixel=samples_per_pixel,
        where=torch.device("cpu"),
    )


def test_regions_are_parts_of_the_whole(monkeypatch):
    generator = np.random.default_rng(0)
    source = smeared(generator.standard_normal((3, 14, 70)).astype(np.float32))
    assert isinstance(source, ArraySource)
    whole = source.read(Region.whole((9, 70, 12)))
    region = Region((2, 3, 1), (7, 69, 11))
    monkeypatch.setattr(
        "gyrovox.tomography.reconstruction.row_smearing.sections_at_once", lambda *_: 2
    )
    part = source.read(region)
    np.testing.assert_allclose(part, whole[:, *region.slices], atol=1e-6)
    assert source.shape == (1, 9, 70, 12)
    assert part.dtype == source.dtype == np.float32


def test_a_row_is_smeared_along_its_beam():
    rows = np.zeros((3, 24, 70), np.float32)
    rows[2, 12, 40] = 1.0  # the centre of 12 pixels, at tilt 35
    voxels = smeared(rows, samples_per_pixel=2).read(Region.whole((9, 70, 12)))[0]
    assert not voxels[:, np.arange(70) != 40].any()
    z, x = np.meshgrid(np.arange(9) - 4, np.arange(12) - 6, indexing="ij")
    across = x * np.cos(np.deg2rad(35)) + z * np.sin(np.deg2rad(35))
    np.testing.assert_allclose(voxels[:, 40], np.maximum(0, 1 - 2 * np.abs(across)), atol=1e-5)
