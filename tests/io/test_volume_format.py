import pytest

from gyrovox.io.formats import FORMATS
from gyrovox.io.volume_format import DatasetDescription, listed


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_suffixes_are_lower_case_and_those_of_labels_are_its_own(kind):
    assert kind.suffixes
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in kind.suffixes)
    assert set(kind.label_suffixes) | set(kind.label_suffixes.values()) <= set(kind.suffixes)


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_only_formats_with_datasets_list_them(kind, tmp_path):
    if not kind.holds_datasets:
        assert kind.datasets(tmp_path) == ()


def test_datasets_are_listed_for_a_message():
    found = (DatasetDescription("a", (2, 3, 4), "uint8"), DatasetDescription("b/c", (5,), "bool"))
    assert listed(found) == "a (2, 3, 4) uint8; b/c (5,) bool"
    assert listed(()) == "none with three axes"
