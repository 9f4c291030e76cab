from pathlib import Path

import pytest

from gyrovox.io.location import Location, locations


@pytest.mark.parametrize(
    ("text", "path", "dataset"),
    [
        ("a/b.h5", "a/b.h5", None),
        ("a/b.h5::raw", "a/b.h5", "raw"),
        ("b.h5::/deep/raw/", "b.h5", "deep/raw"),
        ("b.h5::", "b.h5", None),
        (Path("b.h5::raw"), "b.h5", "raw"),
    ],
)
def test_a_dataset_follows_two_colons(text, path, dataset):
    assert Location.parse(text) == Location(Path(path), dataset)


def test_a_location_reads_as_it_was_written():
    assert str(Location(Path("b.h5"), "deep/raw")) == "b.h5::deep/raw"
    assert str(Location(Path("b.h5"))) == "b.h5"


def test_commas_join_files():
    assert locations("a.h5::x, b.h5::y,") == (
        Location(Path("a.h5"), "x"),
        Location(Path("b.h5"), "y"),
    )
    assert locations([Path("a,b.mrc"), "c.mrc"]) == (
        Location(Path("a,b.mrc")),
        Location(Path("c.mrc")),
    )


def test_a_path_that_exists_is_one_commas_and_all(tmp_path):
    path = tmp_path / "a,b.h5"
    path.touch()
    assert locations(f"{path}::raw") == (Location(path, "raw"),)


@pytest.mark.parametrize("name", ["b.h5", "x::y.mrc"])
def test_colons_of_files_and_folders_that_exist_are_theirs(tmp_path, name):
    folder = tmp_path / "c::d"
    folder.mkdir()
    (folder / name).touch()
    assert Location.parse(folder / name) == Location(folder / name)
    assert Location.parse(f"{folder}/b.h5::deep/raw") == Location(folder / "b.h5", "deep/raw")
    assert Location.parse(folder / "new.mrc") == Location(folder / "new.mrc")


def test_many_names_together_may_be_longer_than_one_name_can_be():
    name = "x" * 100 + ".mrc"
    assert locations(",".join([name] * 4)) == (Location(Path(name)),) * 4


def test_an_absolute_location_is_the_same_place_from_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Location(Path("a/b.h5"), "raw").absolute()
    assert found == Location(tmp_path / "a" / "b.h5", "raw")
