"""Tilt series as files."""

from dataclasses import replace

import mrcfile
import numpy as np
import pytest
from scipy import ndimage

from gyrovox.errors import FileFormatError, MissingFileError, OutputExistsError, TiltSeriesError
from gyrovox.tomography import TiltGeometry, TiltSeries
from gyrovox.tomography.tilt_series_files import (
    read_alignment,
    read_tilt_series,
    write_alignment,
    write_tilt_series,
)


def nominal(shape=(20, 22)):
    images = np.random.default_rng(0).poisson(50, (3, *shape)).astype(np.float32)
    geometry = TiltGeometry(
        tilt_degrees=np.array([-3.0, 0.0, 3.0]),
        axis_degrees=np.full(3, 4.5),
        shifts=np.zeros((3, 2)),
    )
    return TiltSeries(
        images=images,
        geometry=geometry,
        pixel_size_nm=1.5,
        dose=np.full(3, 2.9),
        prior_dose=np.array([5.8, 0.0, 2.9]),
        defocus_nm=np.array([3400.0, 3500.0, 3600.0]),
        name="a",
    )


def aligned(shape=(20, 22)):
    geometry = TiltGeometry(
        tilt_degrees=np.array([-3.02, 0.01, 2.95]),
        axis_degrees=np.array([4.2, 4.5, 4.9]),
        shifts=np.array([[1.5, -2.25], [0.0, 0.5], [-7.0, 3.0]]),
    )
    return replace(nominal(shape), geometry=geometry)


def assert_same(one, other):
    np.testing.assert_array_equal(one.images, other.images)
    for name in ("tilt_degrees", "axis_degrees", "shifts"):
        found, expected = (getattr(each.geometry, name) for each in (one, other))
        np.testing.assert_allclose(found, expected, atol=2e-4)
    assert one.pixel_size_nm == pytest.approx(other.pixel_size_nm)
    for name in ("dose", "prior_dose", "defocus_nm"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-5)


@pytest.mark.parametrize("series", [nominal(), aligned(), aligned((21, 23))])
def test_what_is_written_is_read(tmp_path, capsys, series):
    path = write_tilt_series(series, tmp_path)
    assert path == tmp_path / "a.mrc"
    assert mrcfile.validate(path), capsys.readouterr().out
    found = read_tilt_series(path)
    assert found.name == "a"
    assert_same(found, series)


def test_only_an_aligned_series_has_transforms(tmp_path):
    write_tilt_series(nominal(), tmp_path / "n.mrc")
    write_tilt_series(aligned(), tmp_path / "a.st")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("n.mrc", "n.rawtlt", "n.mrc.mdoc"),
        *("a.st", "a.rawtlt", "a.st.mdoc", "a.xf", "a.tlt"),
    }


def test_an_earlier_alignment_does_not_outlive_its_images(tmp_path):
    write_tilt_series(aligned(), tmp_path / "a.mrc")
    with pytest.raises(OutputExistsError, match="must not exist yet"):
        write_tilt_series(nominal(), tmp_path / "a.mrc")
    write_tilt_series(nominal(), tmp_path / "a.mrc", overwrite=True)
    assert_same(read_tilt_series(tmp_path / "a.mrc"), nominal())


@pytest.mark.parametrize("shape", [(40, 44), (41, 45), (40, 45)], ids=str)
def test_a_transform_takes_a_point_to_the_aligned_image_as_imod_applies_it(tmp_path, shape):
    """IMOD: p' - c = A (p - c) + d on (x, y) with the middle c = (n - 1) / 2."""
    geometry = aligned().geometry
    write_alignment(geometry, tmp_path / "a.xf", shape)
    rows = np.loadtxt(tmp_path / "a.xf")
    point = np.array([[3.0, 5.0, -7.0]])
    raw = geometry.project(point)[:, 0] + np.array(shape) // 2
    straight = TiltGeometry.ideal(geometry.tilt_degrees).project(point)[:, 0]
    middle = (np.array(shape[::-1]) - 1) / 2
    for row, place, expected in zip(rows, raw, straight + np.array(shape) // 2, strict=True):
        moved = row[:4].reshape(2, 2) @ (place[::-1] - middle) + row[4:] + middle
        np.testing.assert_allclose(moved[::-1], expected, atol=2e-4)


def test_an_image_that_is_resampled_by_its_transform_is_aligned(tmp_path):
    """A spot at a known place of the specimen lands where an aligned image has it."""
    shape, point = (40, 44), np.array([[3.0, 5.0, -7.0]])
    geometry = aligned().geometry.chosen(np.array([2]))
    write_alignment(geometry, tmp_path / "a.xf", shape)
    row = np.loadtxt(tmp_path / "a.xf")
    v, u = geometry.project(point)[0, 0] + np.array(shape) // 2
    rows, columns = np.indices(shape)
    image = np.exp(-0.5 * ((rows - v) ** 2 + (columns - u) ** 2) / 2.0**2)
    back = np.linalg.inv(row[:4].reshape(2, 2))[::-1, ::-1]  # on (y, x)
    middle = (np.array(shape) - 1) / 2
    offset = middle - back @ (middle + row[:3:-1])
    found = ndimage.center_of_mass(ndimage.affine_transform(image, back, offset=offset))
    straight = TiltGeometry.ideal(geometry.tilt_degrees).project(point)[0, 0]
    np.testing.assert_allclose(found, straight + np.array(shape) // 2, atol=0.02)


def test_the_tilt_axis_angle_of_imod_counts_the_other_way(tmp_path):
    write_tilt_series(nominal(), tmp_path / "a.mrc")
    text = (tmp_path / "a.mrc.mdoc").read_text()
    assert "Tilt axis angle = -4.5" in text
    assert "Defocus = -3.5" in text
    assert "PixelSpacing = 15\n" in text


def test_tilts_may_come_from_any_of_three_texts(tmp_path):
    path = write_tilt_series(nominal(), tmp_path / "a.mrc")
    (tmp_path / "a.tlt").write_text("1\n2\n3\n")
    np.testing.assert_allclose(read_tilt_series(path).geometry.tilt_degrees, [-3, 0, 3])
    (tmp_path / "a.rawtlt").unlink()
    np.testing.assert_allclose(read_tilt_series(path).geometry.tilt_degrees, [1, 2, 3])
    (tmp_path / "a.tlt").unlink()
    (tmp_path / "a.mrc.mdoc").rename(tmp_path / "a.mdoc")
    np.testing.assert_allclose(read_tilt_series(path).geometry.tilt_degrees, [-3, 0, 3])


def test_without_tilts_nothing_is_read(tmp_path):
    path = write_tilt_series(nominal(), tmp_path / "a.mrc")
    (tmp_path / "a.rawtlt").unlink()
    (tmp_path / "a.mrc.mdoc").unlink()
    with pytest.raises(TiltSeriesError, match=r"must lie beside it, as a\.rawtlt, a\.tlt or"):
        read_tilt_series(path)


def test_every_image_must_have_its_tilt(tmp_path):
    path = write_tilt_series(nominal(), tmp_path / "a.mrc")
    (tmp_path / "a.rawtlt").write_text("1\n2\n")
    with pytest.raises(TiltSeriesError, match="there are 3 images and 2 tilts"):
        read_tilt_series(path)


def test_every_image_must_have_its_transform(tmp_path):
    path = write_tilt_series(aligned(), tmp_path / "a.mrc")
    (tmp_path / "a.xf").write_text("1 0 0 1 0 0\n")
    with pytest.raises(TiltSeriesError, match="1 transforms and 3 tilts"):
        read_tilt_series(path)


def test_a_transform_that_stretches_is_refused(tmp_path):
    (tmp_path / "a.xf").write_text("1.05 0 0 1 0 0\n")
    with pytest.raises(TiltSeriesError, match=r"stretches by 5\.0 %"):
        read_alignment(tmp_path / "a.xf", np.zeros(1), (8, 8))


def test_the_size_of_pixels_must_be_known(tmp_path):
    path = write_tilt_series(nominal(), tmp_path / "a.mrc")
    with mrcfile.open(path, mode="r+") as file:
        file.voxel_size = 0
    assert read_tilt_series(path).pixel_size_nm == pytest.approx(1.5)  # from the .mdoc
    (tmp_path / "a.mrc.mdoc").unlink()
    with pytest.raises(TiltSeriesError, match="must say how large a pixel is"):
        read_tilt_series(path)


def test_a_file_must_be_there_and_be_a_stack(tmp_path):
    with pytest.raises(MissingFileError, match="gone"):
        read_tilt_series(tmp_path / "gone.mrc")
    (tmp_path / "a.mrc").write_text("no stack")
    with pytest.raises(FileFormatError, match="MRC header"):
        read_tilt_series(tmp_path / "a.mrc")
