"""STAR files."""

import re

import pytest

from gyrovox.errors import FileFormatError, MissingFileError, OutputExistsError, SettingsError
from gyrovox.io.star import read_star, write_star, write_star_blocks

COLUMNS = {"rlnTomoName": ["TS_01", "TS_01"], "rlnCoordinateX": ["12.500000", "3"]}


def by_grammar(text):
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
    assert by_grammar(text) == {"particles": COLUMNS}
    assert "\n# version 30001\n" in text
    assert text.endswith("\n\n"), "RELION ends a loop at an empty line"
    assert "\r" not in text


def test_a_table_may_be_empty(tmp_path):
    path = write_star(tmp_path / "points.star", "", {"rlnCoordinateX": []})
    assert by_grammar(path.read_text(encoding="utf-8")) == {"": {"rlnCoordinateX": []}}


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
    assert by_grammar(path.read_text(encoding="utf-8")) == {"particles": COLUMNS}
    write_star(path, "other", {"a": ["1"]}, overwrite=True)
    assert by_grammar(path.read_text(encoding="utf-8")) == {"other": {"a": ["1"]}}


def test_several_tables_come_back(tmp_path):
    blocks = {
        "optics": {"rlnVoltage": ["300"]},
        "particles": COLUMNS,
        "none": {"rlnCoordinateX": []},
    }
    path = write_star_blocks(tmp_path / "points.star", blocks)
    assert by_grammar(path.read_text(encoding="utf-8")) == blocks
    assert read_star(path) == blocks


def test_a_file_of_the_starfile_package_is_read(tmp_path):
    starfile = pytest.importorskip("starfile", reason="needs starfile, which dev installs")
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"rlnTomoName": ["a b", "c"], "rlnCoordinateX": [1.5, -0.25]})
    starfile.write({"particles": table, "general": {"rlnTomoHand": 1.0}}, tmp_path / "p.star")
    blocks = read_star(tmp_path / "p.star")
    assert blocks["particles"]["rlnTomoName"] == ["a b", "c"]
    assert [float(x) for x in blocks["particles"]["rlnCoordinateX"]] == pytest.approx([1.5, -0.25])
    assert [float(hand) for hand in blocks["general"]["rlnTomoHand"]] == [1.0]


def test_comments_blank_lines_and_quotes_are_understood(tmp_path):
    path = tmp_path / "points.star"
    text = "# made by hand\r\n\r\ndata_\r\nloop_ \r\n_a #1\r\n_b\r\n 1 'two words' # said\r\n\r\n"
    path.write_bytes(text.encode())
    assert read_star(path) == {"": {"a": ["1"], "b": ["two words"]}}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("data_x\nloop_\n_a\n_b\n1 2\n3\n", "line 6 has 1 texts for 2 labels"),
        ("_a 1\n", "line 1 has no data_ block before its first text"),
        ("data_x\n_a 1 2\n", "line 2 has '_a 1 2', which is no label with its text"),
        ("data_x\n;many\n;\n", "line 2 has a text of several lines"),
    ],
)
def test_what_is_no_star_file_is_refused_by_its_line(text, what, tmp_path):
    path = tmp_path / "points.star"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=what):
        read_star(path)


def test_bytes_are_refused(tmp_path):
    path = tmp_path / "points.star"
    path.write_bytes(b"\xff\xfe\x00data_")
    with pytest.raises(FileFormatError, match="must be text, and this is not"):
        read_star(path)


def test_an_absent_file_is_said_to_be(tmp_path):
    with pytest.raises(MissingFileError, match=r"none.star: a STAR file must be there"):
        read_star(tmp_path / "none.star")
