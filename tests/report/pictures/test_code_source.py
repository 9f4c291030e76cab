"""Codes again, or as they were kept."""

import shutil

import numpy as np
import pytest

from gyrovox import io
from gyrovox.errors import PictureError
from gyrovox.pipeline import EmbeddingRun
from gyrovox.report.pictures import code_source
from gyrovox.results import ResultFolder
from gyrovox.volumes import Region, Volume

REGION = Region((2, 3, 4), (9, 11, 12))


def kept(folder, tmp_path, dtype):
    """The result without its model, and with codes of a type."""
    shutil.copytree(folder, tmp_path / "kept")
    model = tmp_path / "kept" / "model.safetensors"
    EmbeddingRun(
        volume=(str(folder / "scan.mrc"),),
        model=model,
        output=tmp_path / "kept" / "latents.ome.zarr",
        dtype=dtype,
        device="cpu",
        quiet=True,
    ).run()
    model.unlink()
    return ResultFolder.open(tmp_path / "kept")


def test_a_model_makes_the_codes_that_segmenting_made(result, segmenter, source):
    found = source.read(REGION)
    expected = segmenter.embed(result.image())[REGION.slices]
    assert source.dim == 2
    assert source.has_scales
    np.testing.assert_allclose(found[..., :2], expected, rtol=1e-4, atol=1e-5)
    assert (found[..., 2] > 0).all()


@pytest.mark.parametrize(
    ("dtype", "within"), [("float32", 1e-5), ("float16", 2e-3), ("int8", 0.05)]
)
def test_kept_codes_are_read_as_what_they_were(folder, source, tmp_path, dtype, within):
    again = code_source(kept(folder, tmp_path, dtype))
    assert not again.has_scales
    np.testing.assert_allclose(again.read(REGION), source.read(REGION)[..., :2], atol=within)


def test_without_model_and_codes_it_says_what_is_gone(bare_folder):
    with pytest.raises(
        PictureError, match=r"the model is gone\. Put it back, or segment with --keep"
    ):
        code_source(ResultFolder.open(bare_folder))


def test_without_the_image_too(folder, segmenter, tmp_path):
    shutil.copytree(folder, tmp_path / "moved")
    (tmp_path / "moved" / "scan.mrc").unlink()
    with pytest.raises(PictureError, match="the image is gone"):
        code_source(ResultFolder.open(tmp_path / "moved"), segmenter)


def test_codes_of_another_volume_are_refused(folder, tmp_path):
    result = kept(folder, tmp_path, "float32")
    shutil.rmtree(result.path / "latents.ome.zarr")
    other = Volume.from_array(np.zeros((2, 4, 4, 4), np.float32))
    io.write(other, result.path / "latents.ome.zarr")
    with pytest.raises(PictureError, match=r"of the volume of \(12, 16, 20\) .* of \(4, 4, 4\)"):
        code_source(result)
