"""The tree of a page."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from gyrovox.report.page.disk_figure import place, shown_nodes
from gyrovox.report.page.tree_table import bar, swatch, tree_table
from gyrovox.results import disk_positions


class Nesting(HTMLParser):
    """Which node's row stands below which."""

    def __init__(self, text):
        super().__init__()
        self.open, self.parents, self.in_number = [], {}, False
        self.feed(text)
        self.close()

    def handle_starttag(self, name, _):
        if name == "details":
            self.open.append(None)
        self.in_number = name == "b"

    def handle_endtag(self, name):
        if name == "details":
            self.open.pop()
        self.in_number = False

    def handle_data(self, data):
        if not self.in_number:
            return
        node = int(data)
        if self.open and self.open[-1] is None:
            self.open[-1] = node
            above = self.open[:-1]
        else:
            above = self.open
        self.parents[node] = above[-1] if above else None


@pytest.fixture
def table(opened):
    _, _, subject = opened
    points = disk_positions(subject.trunk)
    return tree_table(subject, subject.trunk, points, shown_nodes(subject.trunk, [2, 3]))


def test_rows_are_nested_as_the_tree_is(table):
    # Numbers are those of tree.json, from 1.
    wanted = {9: None, 8: 9, 5: 9, 6: 8, 7: 8, 1: 6, 2: 6, 3: 7, 4: 7}
    assert Nesting(table).parents == wanted


def test_a_row_says_what_there_is_to_say(table, opened):
    _, _, subject = opened
    (row,) = re.findall(
        r'<summary class="row class" data-levels="3"[^>]*>(?:(?!</summary>).)*6</b>.*?</summary>',
        table,
    )
    x, y = place(disk_positions(subject.trunk)[5].tolist())
    assert f'data-x="{x}" data-y="{y}"' in row
    cells = re.findall(r"<span[^>]*>([^<]+)</span>", row)
    assert cells == ["0 of 3", "288", "2,304 nm³", "0.25", "1.00", "1.61"]
    assert "40.0 %" in row


def test_the_root_has_no_sibling_and_sizes_may_be_unknown(opened):
    _, _, subject = opened
    points = disk_positions(subject.trunk)
    unknown = replace(subject, voxel_size_nm=None)
    table = tree_table(unknown, subject.trunk, points, shown_nodes(subject.trunk, [2]))
    assert "nm³" not in table
    root = table[table.index("all voxels") :][:1200]
    assert re.findall(r"<span>([^<]*)</span>", root)[:5] == ["720", "–", "0.25", "", ""]


def test_all_is_open_without_a_script_and_what_is_finer_is_marked(table):
    assert table.count("<details") == table.count(" open")
    assert len(re.findall(r'<div class="row deep"', table)) == 4  # leaves 1 to 4


def test_names_given_by_hand_are_shown_as_text(opened):
    _, _, subject = opened
    named = replace(subject, node_names={5: "<b>nucleus</b>"})
    points = disk_positions(subject.trunk)
    table = tree_table(named, subject.trunk, points, shown_nodes(subject.trunk, [2]))
    assert "&lt;b&gt;nucleus&lt;/b&gt;" in table


def test_swatch_and_bar_have_their_colour_and_length():
    assert 'fill="#102030"' in swatch("#102030")
    assert 'width="25"' in bar(0.25, "#102030")
    assert 'width="0.8"' in bar(1e-9, "#102030")
