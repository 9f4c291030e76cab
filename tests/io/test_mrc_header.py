"""Headers are made by hand, byte by byte, so that no code is shared with the reader."""

import struct

import numpy as np
import pytest

import gyrovox.io as volume_io
from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.io.mrc_header import MrcHeader, read_header

TYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
IMOD_STAMP = 1146047817


def header_bytes(  # noqa: PLR0917 - the fields of a header
    order="<",
    columns_rows_sections=(9, 7, 5),
    mode=2,
    start=(0, 0, 0),
    cell=(112.5, 105.0, 200.0),
    axes=(1, 2, 3),
    origin=(0.0, 0.0, 0.0),
    sampling=(9, 7, 5),
    angles=(90.0, 90.0, 90.0),
    limits=(0.0, 0.0),
    space_group=1,
    extension=0,
    imod_flags=None,
    version=20140,
    identifier=b"MAP ",
):
    """1024 bytes as MRC2014 lays them out; x first, lengths in ångström."""
    header = bytearray(1024)
    struct.pack_into(f"{order}10i", header, 0, *columns_rows_sections, mode, *start, *sampling)
    struct.pack_into(f"{order}6f", header, 40, *cell, *angles)
    struct.pack_into(f"{order}3i", header, 64, *axes)
    struct.pack_into(f"{order}3f", header, 76, *limits, 0.0)
    struct.pack_into(f"{order}2i", header, 88, space_group, extension)
    struct.pack_into(f"{order}i", header, 108, version)
    if imod_flags is not None:
        struct.pack_into(f"{order}2i", header, 152, IMOD_STAMP, imod_flags)
    struct.pack_into(f"{order}3f", header, 196, *origin)
    header[208:212] = identifier
    header[212:216] = b"\x44\x44\0\0" if order == "<" else b"\x11\x11\0\0"
    return bytes(header)


def write_by_hand(path, order="<", extension=b"", **fields):
    """A file whose voxel at (section, row, column) is 16 section + 4 row + column, modulo 100."""
    mode = fields.get("mode", 2)
    columns, rows, sections = fields.get("columns_rows_sections", (9, 7, 5))
    section, row, column = np.indices((sections, rows, columns))
    voxels = (16 * section + 4 * row + column) % 100
    stored = voxels.astype(np.dtype(TYPES.get(mode, "u1")).newbyteorder(order))
    header = header_bytes(order, extension=len(extension), **fields)
    path.write_bytes(header + extension + stored.tobytes())
    return voxels


@pytest.fixture
def path(tmp_path):
    return tmp_path / "map.mrc"


@pytest.mark.parametrize("mode", TYPES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_mode_is_read_in_both_byte_orders(path, order, mode):
    voxels = write_by_hand(path, order, mode=mode)
    volume = volume_io.read(path)
    assert volume.dtype == np.dtype(TYPES[mode])
    assert volume.dtype.isnative
    assert (volume.read()[0] == voxels).all()
    assert volume.voxel_size_nm == (4.0, 1.5, 1.25)


def test_the_voxel_size_is_the_cell_by_its_sampling(path):
    write_by_hand(path, sampling=(90, 70, 50))
    assert volume_io.read(path).voxel_size_nm == (0.4, 0.15, 0.125)


@pytest.mark.parametrize(
    "fields", [{"cell": (0.0, 105.0, 200.0)}, {"sampling": (0, 0, 0)}, {"cell": (0.0, 0.0, 0.0)}]
)
def test_a_voxel_size_that_is_missing_is_unknown(path, fields):
    write_by_hand(path, start=(3, -2, 1), **fields)
    volume = volume_io.read(path)
    assert volume.voxel_size_nm is None
    assert volume.origin_nm == (1.0, -2.0, 3.0)


def test_the_origin_is_in_angstrom_and_goes_before_the_start(path):
    write_by_hand(path, origin=(10.0, 20.0, -30.0), start=(9, 9, 9))
    assert volume_io.read(path).origin_nm == pytest.approx((-3.0, 2.0, 1.0))


def test_without_origin_the_start_counts_in_voxels(path):
    write_by_hand(path, start=(4, -2, 3))
    assert volume_io.read(path).origin_nm == pytest.approx((12.0, -3.0, 5.0))


@pytest.mark.parametrize(
    ("flags", "version", "sign"), [(0, 0, -1), (4, 0, 1), (0, 20140, 1), (None, 0, 1)]
)
def test_origins_of_old_imod_have_the_other_sign(path, flags, version, sign):
    write_by_hand(path, origin=(10.0, 0.0, 0.0), imod_flags=flags, version=version)
    assert volume_io.read(path).origin_nm[2] == pytest.approx(sign * 1.0)


def test_before_the_standard_other_numbers_lay_where_the_origin_is(path):
    write_by_hand(path, origin=(10.0, 20.0, 30.0), identifier=b"\0\0\0\0")
    assert volume_io.read(path).origin_nm == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("flags", "limits", "unsigned"),
    [
        (None, (0, 0), False),
        (None, (0, 127), False),
        (None, (0, 200), True),
        (None, (-5, 200), False),
        (0, (0, 0), True),
        (1, (0, 200), False),
    ],
)
def test_bytes_are_signed_or_not_as_imod_says(path, flags, limits, unsigned):
    path.write_bytes(header_bytes(mode=0, imod_flags=flags, limits=limits) + bytes([200] * 315))
    assert volume_io.read(path).read()[0, 0, 0, 0] == (200 if unsigned else 200 - 256)


@pytest.mark.parametrize(
    "axes", [(1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)], ids=str
)
def test_axes_are_turned_to_z_y_x(path, axes):
    voxels = write_by_hand(path, axes=axes)  # voxels: (sections, rows, columns)
    volume = volume_io.read(path)
    seen = volume.read()[0]
    for section, row, column in [(0, 0, 0), (4, 0, 0), (0, 6, 0), (0, 0, 8), (3, 5, 7)]:
        place = dict(zip(axes, (column, row, section), strict=True))
        assert seen[place[3], place[2], place[1]] == voxels[section, row, column]


def test_the_start_counts_along_the_axes_of_the_file(path):
    # Columns are z, rows are x, sections are y; the cell is of 1 nm voxels.
    write_by_hand(path, axes=(3, 1, 2), start=(1, 2, 3), cell=(90.0, 70.0, 50.0))
    assert volume_io.read(path).origin_nm == pytest.approx((1.0, 3.0, 2.0))


def test_axes_that_are_left_empty_are_x_y_z(path):
    voxels = write_by_hand(path, axes=(0, 0, 0))
    assert (volume_io.read(path).read()[0] == voxels).all()


def test_an_extended_header_is_skipped_and_kept(path):
    voxels = write_by_hand(path, extension=b"tilt" * 20)
    assert (volume_io.read(path).read()[0] == voxels).all()
    assert read_header(path).extension == b"tilt" * 20
    assert read_header(path).data_offset == 1104


def test_a_header_is_written_as_it_was_read(path):
    for order in "<>":
        write_by_hand(path, order, extension=b"abcd", imod_flags=7, origin=(1.0, 2.0, 3.0))
        header = read_header(path)
        assert header.to_bytes() == path.read_bytes()[:1028]
        assert header.byte_order == order


def test_imod_flags_of_bytes_can_be_set_and_nothing_else_changes(path):
    write_by_hand(path, mode=0, imod_flags=1 | 4 | 8)
    header = read_header(path)
    header.set_imod_byte_flags(signed=False)
    assert header.imod_flags == 4 | 8
    header.set_imod_byte_flags(signed=True)
    assert header.to_bytes() == path.read_bytes()[:1024]
    write_by_hand(path)
    bare = read_header(path)
    bare.set_imod_byte_flags(signed=True)
    assert bare.imod_flags is None
    assert isinstance(bare, MrcHeader)


@pytest.mark.parametrize("keep", [1, 1023, 1024, 1024 + 315 * 4 - 1])
def test_a_truncated_file_is_refused(path, keep):
    write_by_hand(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match=r"[Ii]t is truncated"):
        volume_io.read(path)


def test_a_file_with_more_than_its_header_says_is_refused(path):
    write_by_hand(path)
    path.write_bytes(path.read_bytes() + b"\0\0")
    with pytest.raises(FileFormatError, match="must have 2284 bytes, and it has 2286"):
        volume_io.read(path)


def test_an_extended_header_beyond_the_end_is_refused(path):
    path.write_bytes(header_bytes(extension=10**6) + bytes(100))
    with pytest.raises(FileFormatError, match=r"must have 1002284 bytes, and it has 1124"):
        volume_io.read(path)


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"mode": 3}, "complex numbers"),
        ({"mode": 4}, "complex numbers"),
        ({"mode": 16}, "RGB colours"),
        ({"mode": 101}, "4-bit pairs"),
        ({"mode": 0, "imod_flags": 16}, "4-bit pairs"),
    ],
)
def test_voxels_that_are_no_real_numbers_are_refused(path, fields, holds):
    write_by_hand(path, **fields)
    with pytest.raises(VolumeError, match=f"must be real numbers.*{holds}"):
        volume_io.read(path)


def test_another_mode_is_refused(path):
    write_by_hand(path, mode=7)
    with pytest.raises(FileFormatError, match="must be one of 0, 1, 2, 6, 12, and 7 came"):
        volume_io.read(path)


def test_bytes_that_are_no_header_are_refused(path):
    path.write_bytes(b"This is a letter, and no map. " * 100)
    with pytest.raises(FileFormatError, match="Check that it is an MRC file"):
        volume_io.read(path)


def test_axes_that_are_named_twice_are_refused(path):
    write_by_hand(path, axes=(1, 1, 3))
    with pytest.raises(FileFormatError, match="must name the axes 1, 2 and 3 once each"):
        volume_io.read(path)


def test_a_slanted_cell_is_refused(path):
    write_by_hand(path, angles=(90.0, 90.0, 120.0))
    with pytest.raises(VolumeError, match="axes must be at right angles"):
        volume_io.read(path)


def test_a_stack_of_volumes_is_refused(path):
    write_by_hand(path, columns_rows_sections=(9, 7, 10), space_group=401)
    with pytest.raises(VolumeError, match="stack of several: 10 sections in volumes of 5"):
        volume_io.read(path)


def test_one_section_is_a_2d_image(path):
    write_by_hand(path, columns_rows_sections=(9, 7, 1), sampling=(9, 7, 1))
    with pytest.raises(VolumeError, match="this is a 2-D image"):
        volume_io.read(path)
