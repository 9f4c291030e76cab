import numpy as np
import pytest
import torch
from gaussian_blobs import Blobs, disturbed_geometry, drawn_blobs

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography import TiltGeometry, backproject, project

TILTS = np.arange(-60.0, 61.0, 15.0)
IDEAL = TiltGeometry.ideal(TILTS)
GEOMETRIES = {"ideal": IDEAL, "turned": disturbed_geometry(0, TILTS, axis=85.0, axis_error=0.5)}
each_geometry = pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)


@each_geometry
@pytest.mark.parametrize("shape", [(12, 17, 20), (15, 30, 9)])
def test_back_projection_is_the_adjoint(geometry, shape, device):
    density = torch.randn(shape, dtype=torch.float64, device=device)
    images = torch.randn(len(TILTS), 19, 22, dtype=torch.float64, device=device)
    there = (project(density, geometry, (19, 22)) * images).sum()
    back = (density * backproject(images, geometry, shape)).sum()
    torch.testing.assert_close(there, back, rtol=1e-12, atol=1e-10)


@pytest.mark.gpu
def test_a_gpu_gives_the_same(device):
    density = torch.randn(12, 17, 20)
    geometry = GEOMETRIES["turned"]
    found = project(density.to(device), geometry, (19, 22))
    torch.testing.assert_close(found.cpu(), project(density, geometry, (19, 22)))
    back = backproject(found, geometry, (12, 17, 20))
    torch.testing.assert_close(
        back.cpu(), backproject(found.cpu(), geometry, (12, 17, 20)), rtol=1e-4, atol=1e-4
    )


@each_geometry
def test_projections_of_blobs_are_blobs(geometry):
    blobs = drawn_blobs(4, 6, (8, 10, 10), widths=(2.0, 3.0))
    density = torch.from_numpy(blobs.density((40, 44, 42)))
    wanted = blobs.images(geometry, (48, 46))
    found = project(density, geometry, (48, 46)).numpy()
    assert np.abs(found - wanted).max() < 0.04 * wanted.max()


def test_mass_falls_where_the_geometry_says():
    geometry = GEOMETRIES["turned"]
    blob = Blobs(centres=np.array([[3.2, -5.0, 4.6]]), widths=np.array([1.5]), heights=np.ones(1))
    density = torch.from_numpy(blob.density((21, 26, 26)))
    found = (project(density, geometry, (40, 40)) / density.sum()).numpy()
    rows, columns = np.indices((40, 40)) - 20
    mass = found.sum(axis=(1, 2))
    seen = np.stack([(found * axis).sum(axis=(1, 2)) / mass for axis in (rows, columns)], -1)
    np.testing.assert_allclose(seen, geometry.project(blob.centres)[:, 0], atol=0.02)
    np.testing.assert_allclose(mass, 1.0, atol=1e-3)


def test_a_slab_is_as_dark_as_the_way_through_it_is_long():
    slab = torch.ones(8, 4, 80)
    found = project(slab, IDEAL, (4, 20))
    way = 8 / torch.from_numpy(np.cos(np.deg2rad(TILTS))).float()
    torch.testing.assert_close(found, way[:, None, None].expand_as(found), rtol=1e-5, atol=0)


def test_uniform_images_give_a_uniform_volume():
    found = backproject(torch.ones(len(TILTS), 6, 60), IDEAL, (10, 6, 12))
    torch.testing.assert_close(found, torch.full_like(found, float(len(TILTS))))


def test_slabs_change_nothing(monkeypatch):
    images = torch.randn(len(TILTS), 6, 20)
    whole = backproject(images, IDEAL, (9, 6, 20))
    monkeypatch.setattr("gyrovox.tomography.projection.sections_at_once", lambda *_: 2)
    torch.testing.assert_close(backproject(images, IDEAL, (9, 6, 20)), whole, rtol=0, atol=0)
    density = torch.randn(9, 6, 20)
    in_slabs = project(density, IDEAL, (6, 20))
    monkeypatch.undo()
    torch.testing.assert_close(in_slabs, project(density, IDEAL, (6, 20)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("rows", "shape"), [(9, (5, 6, 7)), (4, (5, 9, 7))])
def test_images_may_have_other_rows_than_the_specimen(rows, shape):
    blob = Blobs(centres=np.zeros((1, 3)), widths=np.array([1.0]), heights=np.ones(1))
    found = project(torch.from_numpy(blob.density(shape)), IDEAL, (rows, 7))
    assert int(found[4].sum(dim=1).argmax()) == rows // 2


def test_what_cannot_be_projected_is_refused():
    with pytest.raises(TiltSeriesError, match=r"an image must have pixels, got \(0, 4\)"):
        project(torch.ones(2, 2, 2), IDEAL, (0, 4))
    with pytest.raises(TiltSeriesError, match=r"a volume must have voxels, got \(0, 2, 2\)"):
        backproject(torch.ones(len(TILTS), 4, 4), IDEAL, (0, 2, 2))
    with pytest.raises(TiltSeriesError, match="there are 2 images and 9 tilts"):
        backproject(torch.ones(2, 4, 4), IDEAL, (2, 2, 2))


def test_projections_agree_with_slices_of_fourier_space():
    """The other way to project: torch-fourier-slice cuts planes out of the transform."""
    fourier_slice = pytest.importorskip("torch_fourier_slice", reason="it is of the dev extra")
    density = torch.from_numpy(drawn_blobs(7, 8, (9, 9, 9), widths=(2.0, 3.0)).density((40,) * 3))
    tilt = np.deg2rad(TILTS)
    cosine, sine, zero, one = np.cos(tilt), np.sin(tilt), 0 * tilt, 0 * tilt + 1
    # Columns: where the beam, the rows and the columns of an image point in the specimen.
    turned = np.stack(
        [
            np.stack([cosine, zero, -sine], -1),
            np.stack([zero, one, zero], -1),
            np.stack([sine, zero, cosine], -1),
        ],
        axis=2,
    )
    wanted = fourier_slice.project_3d_to_2d(
        density.float(), torch.from_numpy(turned).float(), zyx_matrices=True
    )
    found = project(density, IDEAL, (40, 40)).float()
    inner = (slice(None), slice(6, -6), slice(6, -6))
    for ours, theirs in zip(found[inner], wanted[inner], strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.998
        assert float(ours.sum() / theirs.sum()) == pytest.approx(1, abs=0.08)
