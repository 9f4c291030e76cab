"""Centres of components as tables."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from gyrovox.errors import FileFormatError, OutputExistsError
from gyrovox.results import components, export_points
from gyrovox.volumes import axis_aligned


@pytest.fixture
def found(result_of):
    leaves = np.zeros((6, 10, 12), np.int32)
    leaves[2:4, 4:6, 6:8] = 1
    leaves[5, 9, 9:] = 1
    result = result_of(leaves, voxel_size_nm=(2.0, 1.0, 0.5), origin=(0.0, 0.0, 0.0))
    return components(result, [1])


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_each_with_places_in_voxels_and_nm(found, tmp_path):
    path = export_points(
        replace(found, affine=axis_aligned((2.0, 1.0, 0.5), (100.0, 0.0, -1.0))),
        tmp_path / "points.csv",
    )
    rows = rows_of(path)
    assert [row["index"] for row in rows] == ["1", "2"]
    first, second = ({name: float(value) for name, value in row.items()} for row in rows)
    assert first == {
        "index": 1,
        "z": 2.5,
        "y": 4.5,
        "x": 6.5,
        "z_nm": 105,
        "y_nm": 4.5,
        "x_nm": 2.25,
        "voxels": 8,
        "volume_nm3": 8,
    }
    assert (second["voxels"], second["x"]) == (3, 10)
    assert b"\r" not in path.read_bytes()


def test_csv_leaves_out_what_is_unknown(found, tmp_path):
    unknown = replace(found, voxel_size_nm=None)
    path = export_points(unknown, tmp_path / "points.csv")
    assert list(rows_of(path)[0]) == ["index", "z", "y", "x", "voxels"]


def test_star_counts_voxels_from_the_centre_of_the_first_x_first(found, tmp_path):
    path = export_points(found, str(tmp_path / "points.star"))
    lines = path.read_text(encoding="utf-8").split("\n")
    start = lines.index("data_particles")
    assert lines[start + 2 : start + 7] == [
        "loop_",
        "_rlnTomoName #1",
        "_rlnCoordinateX #2",
        "_rlnCoordinateY #3",
        "_rlnCoordinateZ #4",
    ]
    rows = [line.split() for line in lines[start + 7 :] if line]
    assert rows[0] == ["scan", "6.500000", "4.500000", "2.500000"]
    assert rows[1] == ["scan", "10.000000", "9.000000", "5.000000"]


@pytest.mark.parametrize(
    ("name", "written"),
    [("my  scan 3", "my_scan_3"), ("_scan", "scan"), ("#", "tomogram"), ("Zelle-ä", "Zelle-ä")],
)
def test_a_name_becomes_one_word(found, name, written, tmp_path):
    path = export_points(replace(found, name=name), tmp_path / "points.star")
    assert f"\n{written} 6.500000 " in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", [".csv", ".star"])
def test_no_components_are_a_table_without_rows(suffix, found, tmp_path):
    nothing = replace(found, centroids=found.centroids[:0], sizes=found.sizes[:0])
    text = export_points(nothing, tmp_path / f"none{suffix}").read_text(encoding="utf-8")
    assert "scan" not in text
    assert text.strip().endswith("volume_nm3" if suffix == ".csv" else "_rlnCoordinateZ #4")


@pytest.mark.parametrize("suffix", [".csv", ".STAR"])
def test_a_table_is_the_same_to_the_byte_every_time_and_stays(suffix, found, tmp_path):
    path = export_points(found, tmp_path / f"points{suffix}")
    before = path.read_bytes()
    with pytest.raises(OutputExistsError, match="must not exist yet"):
        export_points(found, path)
    assert export_points(found, path, overwrite=True).read_bytes() == before


def test_other_formats_are_refused(found, tmp_path):
    with pytest.raises(FileFormatError, match=r"end in \.csv or \.star, and \.xlsx came"):
        export_points(found, tmp_path / "points.xlsx")
