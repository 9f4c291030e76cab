import numpy as np
import pytest

from gyrovox.errors import FileFormatError
from gyrovox.io.mapped import MappedSource
from gyrovox.volumes import ArraySource, Region


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 3, 2), (3, 2, 1, 0)])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">f4"])
def test_a_region_is_read_from_any_place_order_and_type(tmp_path, order, dtype):
    stored = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(dtype)
    (tmp_path / "raw").write_bytes(b"header " + stored.tobytes())
    source = MappedSource(
        tmp_path / "raw", offset=7, dtype=stored.dtype, stored_shape=stored.shape, order=order
    )
    turned = stored.transpose(order)
    assert isinstance(source, ArraySource)
    assert source.shape == turned.shape
    assert source.dtype.isnative
    region = Region((0, 1, 0), turned.shape[1:])
    seen = source.read(region)
    assert (seen == turned[:, :, 1:]).all()
    assert seen.dtype == source.dtype
    assert not isinstance(seen, np.memmap)


def test_a_file_that_became_shorter_is_refused(tmp_path):
    (tmp_path / "raw").write_bytes(bytes(100))
    source = MappedSource(
        tmp_path / "raw", offset=0, dtype=np.dtype("u1"), stored_shape=(1, 4, 5, 5)
    )
    (tmp_path / "raw").write_bytes(bytes(99))
    with pytest.raises(FileFormatError, match=r"and is shorter\. Copy it again"):
        source.read(Region.whole((4, 5, 5)))
