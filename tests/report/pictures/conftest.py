"""A small result with its model, and codes that are known by heart."""

from dataclasses import replace

import numpy as np
import pytest
from block_result import write_result

from gyrovox import io
from gyrovox.report.pictures import CodeSource, code_source, shown_level, voxel_codes
from gyrovox.results import ResultFolder
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import Configuration, ModelSettings, TrainingSettings

TINY = Configuration(
    model=ModelSettings(channels=(4, 4), dilations=(1, 1), hidden=8, decoder_channels=(4,)),
    training=TrainingSettings(steps=3, crop_size=6, jitter=1, positions=16, triplets=32),
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of a result with a mask, whose model was trained for three steps."""
    folder = write_result(tmp_path_factory.mktemp("pictures") / "cell")
    segmenter = HierarchicalSegmenter(TINY, device="cpu", quiet=True)
    segmenter.fit(io.read(folder / "scan.mrc")).save(folder / "model.safetensors")
    return folder


@pytest.fixture(scope="session")
def bare_folder(tmp_path_factory):
    """One without a model."""
    return write_result(tmp_path_factory.mktemp("bare") / "cell")


@pytest.fixture
def result(folder):
    return ResultFolder.open(folder)


@pytest.fixture(scope="session")
def segmenter(folder):
    return HierarchicalSegmenter.load(folder / "model.safetensors", device="cpu", quiet=True)


@pytest.fixture
def source(result, segmenter):
    return code_source(result, segmenter)


@pytest.fixture
def codes(result, source):
    return voxel_codes(result, source)


@pytest.fixture
def one(result):
    return shown_level(result, 4)


class PlaceCodes(CodeSource):
    """The code of a voxel is where it is, (z, y, x) / 10, and as many dimensions as are wanted."""

    def __init__(self, dim=3):
        self._dim = dim

    @property
    def dim(self):
        return self._dim

    @property
    def has_scales(self):
        return False

    def read(self, region):
        places = np.stack(np.indices(region.shape), axis=-1) + np.array(region.start)
        return (places / 10).astype(np.float32)[..., : self._dim]


@pytest.fixture
def place_codes():
    return PlaceCodes


@pytest.fixture
def with_codes():
    """The same result, as if its nodes had other codes."""

    def change(result, codes, *, curvature=-1.0):
        trunk = replace(result.trunk, codes=codes.astype(np.float32), curvature=curvature)
        return replace(result, trunk=trunk)

    return change


def pixels(figure, dpi):
    """A figure as sRGB in 0..1, shape (rows, columns, 3)."""
    figure.set_dpi(dpi)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255


@pytest.fixture
def drawn():
    """What a figure looks like; None of its pages may be empty."""

    def draw(figure, dpi=40):
        picture = pixels(figure, dpi)
        assert picture.std() > 0.02
        return picture

    return draw


@pytest.fixture
def said():
    """All words on a figure."""
    return lambda figure: "\n".join(text.get_text() for text in figure.texts)
