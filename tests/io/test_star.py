"""STAR files."""

import re

import pytest

from gyrovox.errors import OutputExistsError, SettingsError
from gyrovox.io.star import write_star

COLUMNS = {"rlnTomoName": ["TS_01", "TS_01"], "rlnCoordinateX": ["12.500000", "3"]}


def read_star(text):
    """Rows by label of each block, by the grammar of simple loops."""
    blocks = {}
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    position = 0
    while position < len(lines):
        block = re.fullmatch(r"data_(\w*)", lines[position])[1]
        assert lines[position + 1] == "loop_"
        position += 2
        labels = []
        while position < len(lines) and lines[position].startswith("_"):
            label, number = lines[position][1:].split(" #")
            labels.append(label)
            assert int(number) == len(labels)
            position += 1
        rows = []
        while position < len(lines) and not lines[position].startswith("data_"):
            rows.append(lines[position].split())
            assert len(rows[-1]) == len(labels)
            position += 1
        blocks[block] = {label: [row[i] for row in rows] for i, label in enumerate(labels)}
    return blocks


def test_a_table_comes_back(tmp_path):
    path = write_star(tmp_path / "points.star", "particles", COLUMNS)
    text = path.read_text(encoding="utf-8")
    assert read_star(text) == {"particles": COLUMNS}
    assert "\n# version 30001\n" in text
    assert text.endswith("\n\n"), "RELION ends a loop at an empty line"
    assert "\r" not in text


def test_a_table_may_be_empty(tmp_path):
    path = write_star(tmp_path / "points.star", "", {"rlnCoordinateX": []})
    assert read_star(path.read_text(encoding="utf-8")) == {"": {"rlnCoordinateX": []}}


@pytest.mark.parametrize("text", ["", "two words", "tab\there", " a", "_a", "#a", "'a", "$a", "\n"])
def test_a_text_that_would_break_the_table_is_refused(text, tmp_path):
    with pytest.raises(SettingsError, match="rlnTomoName: a text of a STAR file must be one word"):
        write_star(tmp_path / "points.star", "particles", {"rlnTomoName": [text]})
    assert list(tmp_path.iterdir()) == []


def test_columns_are_equally_long(tmp_path):
    with pytest.raises(SettingsError, match=r"equally long, and have \[1, 2\]"):
        write_star(tmp_path / "points.star", "particles", {"a": ["1"], "b": ["1", "2"]})


def test_what_is_there_stays(tmp_path):
    path = write_star(tmp_path / "points.star", "particles", COLUMNS)
    with pytest.raises(OutputExistsError, match="must not exist yet"):
        write_star(path, "particles", {"a": ["1"]})
    assert read_star(path.read_text(encoding="utf-8")) == {"particles": COLUMNS}
    write_star(path, "other", {"a": ["1"]}, overwrite=True)
    assert read_star(path.read_text(encoding="utf-8")) == {"other": {"a": ["1"]}}
