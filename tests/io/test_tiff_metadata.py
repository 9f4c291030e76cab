import pytest

from gyrovox.io.tiff_metadata import TiffHeader, imagej_header, ome_header

SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def ome(pixels, plane=""):
    return (
        f'<OME xmlns="{SCHEMA}"><Image ID="Image:0"><Pixels {pixels}>{plane}</Pixels></Image></OME>'
    )


@pytest.mark.parametrize(
    ("unit", "nm"),
    [("nm", 1), ("micron", 1e3), ("um", 1e3), ("\\u00B5m", 1e3), ("µm", 1e3), ("mm", 1e6)],
)
def test_imagej_counts_pixels_per_unit(unit, nm):
    header = imagej_header({"unit": unit, "spacing": 4.0}, (2.0, 0.8))
    assert header.voxel_size_nm == (4.0 * nm, 0.5 * nm, 1.25 * nm)
    assert header.unit == unit


@pytest.mark.parametrize("metadata", [{}, {"unit": "pixel"}, {"unit": ""}, {"spacing": 3.0}])
def test_imagej_without_a_unit_says_no_size(metadata):
    assert imagej_header(metadata, (1.0, 1.0)).voxel_size_nm is None


def test_imagej_without_resolution_says_no_size():
    assert imagej_header({"unit": "nm", "spacing": 4.0}, None).voxel_size_nm is None


def test_imagej_leaves_a_spacing_of_1_away():
    assert imagej_header({"unit": "nm"}, (1.0, 1.0)).voxel_size_nm == (1.0, 1.0, 1.0)
    assert imagej_header({"unit": "nm", "spacing": -2}, (1.0, 1.0)).voxel_size_nm == (2.0, 1.0, 1.0)


def test_imagejs_origin_is_the_voxel_at_zero():
    where = {"unit": "nm", "spacing": 4.0, "xorigin": 8, "yorigin": -2.5, "zorigin": 3}
    assert imagej_header(where, (1.0, 2.0)).origin_nm == (-12.0, 2.5, -4.0)
    assert imagej_header(where, None).origin_nm == (-3.0, 2.5, -8.0)


def test_ome_says_sizes_with_units_of_their_own():
    sizes = 'PhysicalSizeX="1.25" PhysicalSizeXUnit="nm" PhysicalSizeY="0.0015" PhysicalSizeZ="40" '
    assert ome_header(ome(sizes + 'PhysicalSizeZUnit="Å"')) == TiffHeader((4.0, 1.5, 1.25))


@pytest.mark.parametrize(
    "pixels", ['PhysicalSizeX="1" PhysicalSizeY="1"', "", 'PhysicalSizeXUnit="pixel"']
)
def test_ome_without_all_three_sizes_says_none(pixels):
    assert ome_header(ome(pixels)).voxel_size_nm is None


def test_ome_without_an_image_says_nothing():
    assert ome_header(f'<OME xmlns="{SCHEMA}"></OME>') == TiffHeader()


def test_the_origin_in_ome_is_the_place_of_the_first_plane():
    sizes = 'PhysicalSizeX="1" PhysicalSizeY="1" PhysicalSizeZ="1"'
    first = '<Plane TheZ="0" PositionX="1" PositionXUnit="nm" PositionY="2" PositionYUnit="µm" '
    later = '<Plane TheZ="1" PositionX="9" PositionY="9" PositionZ="9"/>'
    with_z = first + 'PositionZ="-3" PositionZUnit="nm"/>' + later
    assert ome_header(ome(sizes, with_z)).origin_nm == (-3.0, 2000.0, 1.0)
    in_reference_frame = first + 'PositionZ="-3"/>' + later
    assert ome_header(ome(sizes, in_reference_frame)).origin_nm == (0.0, 0.0, 0.0)
