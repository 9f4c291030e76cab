import numpy as np
import pytest

from gyrovox.io.scratch import Scratch
from gyrovox.volumes import Region


@pytest.mark.parametrize("side", [3, 5, 100])
def test_boxes_in_any_order_are_read_as_one_volume(tmp_path, side):
    voxels = np.random.default_rng(0).normal(size=(1, 7, 8, 9)).astype(np.float32)
    scratch = Scratch(tmp_path / "voxels", (7, 8, 9))
    assert (scratch.shape, scratch.dtype) == ((1, 7, 8, 9), np.float32)
    boxes = [
        Region((z, y, x), (min(z + side, 7), min(y + side, 8), min(x + side, 9)))
        for z in range(0, 7, side)
        for y in range(0, 8, side)
        for x in range(0, 9, side)
    ]
    for box in reversed(boxes):
        scratch.write(box, voxels[:, *box.slices])
    source = scratch.source()
    assert np.array_equal(source.read(Region.whole((7, 8, 9))), voxels)
    part = Region((1, 2, 3), (4, 8, 5))
    assert np.array_equal(source.read(part), voxels[:, *part.slices])


def test_a_file_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "voxels").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="voxels"):
        Scratch(tmp_path / "voxels", (2, 2, 2))
    assert (tmp_path / "voxels").read_bytes() == b"mine"
