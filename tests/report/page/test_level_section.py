"""The levels of a page."""

import re
from dataclasses import replace

from gyrovox.report.page.level_section import class_table, side_by_side, stage
from gyrovox.results import disk_positions


def test_the_stage_begins_with_the_coarsest_level_and_reaches_every_one(opened):
    _, seen, subject = opened
    made = stage(subject, seen, disk_positions(subject.trunk))
    assert 'data-levels="2 3"' in made
    assert re.search(r'id="level" min="0" max="1"', made)
    for row, plane in enumerate(("xy", "xz", "yz")):
        assert f'id="stage-{plane}"' in made
        assert f'href="#l-2-{plane}-{seen.middle(row)}"' in made
    assert made.count('class="depth"') == 3
    assert re.findall(r'class="classes(?: away)?" data-level="(\d)"', made) == ["2", "3"]


def test_without_an_image_there_is_nothing_to_see_through_to(opened):
    _, seen, subject = opened
    blind = replace(seen, greys=())
    assert 'id="opacity"' in stage(subject, seen, None)
    assert 'id="opacity"' not in stage(subject, blind, None)
    assert "<h3>image</h3>" in side_by_side(subject, seen, None)
    assert "<h3>image</h3>" not in side_by_side(subject, blind, None)


def test_every_level_has_a_column(opened):
    _, seen, subject = opened
    made = side_by_side(subject, seen, disk_positions(subject.trunk))
    assert re.findall(r"<h3>([^<]*)</h3>", made) == ["image", "2 classes", "3 classes"]
    assert made.count('href="#disk"') == 2
    flat = side_by_side(replace(subject, trunk=None), seen, None)
    assert "#disk" not in flat
    assert "hue" not in flat


def test_a_table_names_the_classes(opened):
    _, _, subject = opened
    rows = subject.levels[3]
    named = (replace(rows[0], name="<i>"), *rows[1:])
    table = class_table(named, 3)
    assert re.findall(r"<td>([\d,]+)</td>", table) == ["288", "288", "144"]
    assert "40.0 %" in table
    assert "&lt;i&gt;" in table


def test_of_many_classes_the_largest_are_named(opened):
    _, _, subject = opened
    row = subject.levels[2][0]
    many = tuple(replace(row, label=i, voxels=1000 + i, share=0.02) for i in range(50))
    table = class_table(many, 50)
    assert table.count("<tr>") == 1 + 16 + 1
    assert ">49<" in table.replace("</svg>", ">")
    assert "and 34 more, 68.0 %" in table
