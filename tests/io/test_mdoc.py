"""SerialEM's texts about stacks."""

import pytest

from gyrovox.errors import FileFormatError, OutputExistsError, TiltSeriesError
from gyrovox.io.mdoc import Mdoc, read_mdoc, write_mdoc

TEXT = """PixelSpacing = 5.4
Voltage = 300

[T = SerialEM: a microscope]

[T =     Tilt axis angle = -86.7, binning = 1  spot = 7  camera = 1]

[ZValue = 1]
TiltAngle = 3.01
SubFramePath = D:\\frames\\a = b.tif

[ZValue = 0]
TiltAngle = -0.01
ExposureDose = 3

[MontSection = 0]
TiltAngle = 77
"""


def test_values_are_found_by_image(tmp_path):
    path = tmp_path / "a.mdoc"
    path.write_text(TEXT, newline="\r\n")
    mdoc = read_mdoc(path)
    assert mdoc.header == {"PixelSpacing": "5.4", "Voltage": "300"}
    assert mdoc.titles[1].startswith("Tilt axis angle = -86.7")
    assert mdoc.sections[1]["SubFramePath"] == "D:\\frames\\a = b.tif"
    assert mdoc.numbers("TiltAngle") == [-0.01, 3.01]


def test_what_an_image_lacks_is_known_of_none(tmp_path):
    path = tmp_path / "a.mdoc"
    path.write_text(TEXT)
    assert read_mdoc(path).numbers("ExposureDose") is None


def test_what_is_written_is_read(tmp_path):
    mdoc = Mdoc(header={"A": "1"}, titles=["one", "two"], sections=[{"B": "2"}, {"B": "3"}])
    write_mdoc(mdoc, tmp_path / "a.mdoc")
    found = read_mdoc(tmp_path / "a.mdoc")
    assert (found.header, found.titles, found.sections) == (
        mdoc.header,
        mdoc.titles,
        mdoc.sections,
    )
    with pytest.raises(OutputExistsError, match="must not exist yet"):
        write_mdoc(mdoc, tmp_path / "a.mdoc")


def test_a_value_that_is_no_number_is_refused():
    mdoc = Mdoc(header={}, titles=[], sections=[{"TiltAngle": "north"}])
    with pytest.raises(TiltSeriesError, match=r"TiltAngle of an \.mdoc file must be a number"):
        mdoc.numbers("TiltAngle")


def test_sections_must_be_those_of_a_whole_stack(tmp_path):
    path = tmp_path / "a.mdoc"
    path.write_text("[ZValue = 0]\n[ZValue = 2]\n")
    with pytest.raises(FileFormatError, match="numbered from 0 on without gaps"):
        read_mdoc(path)


def test_it_must_be_text(tmp_path):
    path = tmp_path / "a.mdoc"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(FileFormatError, match="must be text"):
        read_mdoc(path)
