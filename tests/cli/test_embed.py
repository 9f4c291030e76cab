"""`gyrovox embed`."""

import numpy as np
import pytest

from gyrovox import io
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.volumes import Volume


def test_the_codes_are_the_channels_of_an_ome_zarr(run, phantom_file, model_file, tmp_path):
    path = tmp_path / "codes.zarr"
    done = run("embed", phantom_file, "-m", model_file, "-o", path, "--quiet", "--threads", "1")
    assert (done.code, done.err) == (0, "")
    source, codes = io.read(phantom_file), io.read(path)
    expected = HierarchicalSegmenter.load(model_file, quiet=True).embed(source)
    np.testing.assert_allclose(codes.read(), np.moveaxis(expected, -1, 0), rtol=0, atol=1e-6)
    assert codes.voxel_size_nm == pytest.approx(source.voxel_size_nm)
    assert [left.name for left in tmp_path.iterdir()] == ["codes.zarr"]


@pytest.fixture
def good(phantom_file, model_file):
    """What a call needs, all of it right."""
    return {"volume": phantom_file, "-m": model_file, "-o": "codes.zarr"}


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("volume", "absent.mrc", "absent.mrc"),
        ("-m", "absent.safetensors", "absent.safetensors"),
        ("-o", "codes.npy", "-o must end in .zarr"),
        ("-o", "there.zarr", "must not exist yet"),
    ],
)
def test_what_is_wrong_is_one_line(run, good, tmp_path, option, value, message):  # noqa: PLR0917
    (tmp_path / "there.zarr").mkdir()
    words = {name: tmp_path / path for name, path in {**good, option: value}.items()}
    done = run("embed", words["volume"], "-m", words["-m"], "-o", words["-o"])
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert [left.name for left in tmp_path.iterdir()] == ["there.zarr"]


def test_codes_never_replace_what_they_are_made_from(run, image, model_file, tmp_path):
    volume = tmp_path / "scan.ome.zarr"
    io.write(Volume.from_array(image, voxel_size_nm=(2.0, 2.0, 2.0)), volume)
    done = run("embed", volume, "-m", model_file, "-o", volume, "--overwrite")
    assert (done.code, done.out) == (1, "")
    assert "scan.ome.zarr would be replaced by the output" in done.err
    assert io.read(volume).channels == 1
