"""What is named, coloured, merged and caught with the lasso is kept, and can be taken back."""

import json

import pytest
from explorer_page import assert_alike, eventually
from playwright.sync_api import expect

from gyrovox.results import Group, HandEdits, class_of_leaves, write_edits


def expect_equal(found, wanted):
    assert found == wanted


def click_nodes(explorer, nodes):
    explorer.page.mouse.click(*explorer.pixel_of_node(nodes[0]))
    explorer.page.keyboard.down("Shift")
    for node in nodes[1:]:
        explorer.page.mouse.click(*explorer.pixel_of_node(node))
    explorer.page.keyboard.up("Shift")


@pytest.fixture
def cut(explorer):
    """The nodes of a cut of four."""
    explorer.set_level(4)
    return explorer.saved().cut


def test_a_name_and_a_colour_survive_a_reload(explorer, cut):
    node = cut[1]
    explorer.page.mouse.click(*explorer.pixel_of_node(node))
    explorer.page.keyboard.press("n")
    expect(explorer.page.locator("#class-name")).to_be_focused()
    explorer.page.keyboard.type("Zellkern µ")
    explorer.page.keyboard.press("Enter")
    explorer.page.fill("#class-colour", "#12e0a4")
    eventually(
        lambda: expect_equal(
            (explorer.saved().names, explorer.saved().colours),
            ({node: "Zellkern µ"}, {node: "#12e0a4"}),
        )
    )
    explorer.reload().opaque()
    row = explorer.page.locator(f"#tree [data-pick=n{node}]")
    expect(row.locator(".row-name")).to_have_text("Zellkern µ")
    expect(explorer.page.locator("#level-number")).to_have_value("4")
    voxels = explorer.voxels()
    meant = explorer.colours_meant(voxels, explorer.edits)
    assert (0x12, 0xE0, 0xA4) in meant
    eventually(lambda: assert_alike(explorer.colours_seen(voxels), meant))


def test_a_name_that_is_emptied_is_none(explorer, cut):
    explorer.page.mouse.click(*explorer.pixel_of_node(cut[0]))
    for typed, kept in (("x", {cut[0]: "x"}), ("", {})):
        explorer.page.fill("#class-name", typed)
        explorer.page.press("#class-name", "Enter")
        eventually(lambda kept=kept: expect_equal(explorer.saved().names, kept))


def test_a_name_is_text_and_no_page(explorer, cut):
    explorer.page.mouse.click(*explorer.pixel_of_node(cut[0]))
    name = "<img src=x onerror=alert(1)>"
    explorer.page.fill("#class-name", name)
    explorer.page.press("#class-name", "Enter")
    expect(explorer.page.locator(f"#tree [data-pick=n{cut[0]}] .row-name")).to_have_text(name)


def test_classes_are_merged_dissolved_and_both_taken_back(explorer, cut):
    explorer.opaque()
    click_nodes(explorer, cut[:2])
    explorer.page.keyboard.press("m")
    group = Group(tuple(sorted(cut[:2])), "group 1", None)
    eventually(lambda: expect_equal(explorer.saved().groups, (group,)))
    edits = explorer.saved()
    assert len(class_of_leaves(explorer.result.trunk, edits)) == 3
    explorer.page.keyboard.press("Escape")
    voxels = explorer.voxels()
    meant = explorer.colours_meant(voxels, edits)
    eventually(lambda: assert_alike(explorer.colours_seen(voxels), meant))
    explorer.page.click("#tree [data-pick=g0]")
    explorer.page.keyboard.press("g")
    eventually(lambda: expect_equal(explorer.saved().groups, ()))
    explorer.page.keyboard.press("Control+z")
    eventually(lambda: expect_equal(explorer.saved().groups, (group,)))
    explorer.page.keyboard.press("Control+z")
    eventually(lambda: expect_equal(explorer.saved().groups, ()))
    explorer.page.keyboard.press("Control+Shift+z")
    eventually(lambda: expect_equal(explorer.saved().groups, (group,)))


@pytest.mark.parametrize("leaves", [False, True], ids=["classes", "leaves"])
def test_the_lasso_makes_a_group_of_what_it_catches(explorer, cut, leaves):
    points = {node: explorer.pixel_of_node(node) for node in (range(12) if leaves else cut)}
    if leaves:
        explorer.page.check("#show-leaves")
    # Around the right half of what there is.
    middle = sorted(x for x, _ in points.values())[len(points) // 2] - 1
    caught = [node for node, (x, _) in points.items() if x > middle]
    box = explorer.page.locator("#disk").bounding_box()
    right, top, bottom = box["x"] + box["width"] - 3, box["y"] + 3, box["y"] + box["height"] - 3
    explorer.page.keyboard.press("l")
    explorer.page.mouse.move(middle, top)
    explorer.page.mouse.down()
    for corner in ((right, top), (right, bottom), (middle, bottom), (middle, top)):
        explorer.page.mouse.move(*corner, steps=4)
    explorer.page.mouse.up()
    eventually(lambda: expect_equal(len(explorer.saved().groups), 1))
    (group,) = explorer.saved().groups
    trunk = explorer.result.trunk

    def leaves_below(nodes):
        edits = HandEdits(groups=(Group(tuple(nodes)),))
        table = class_of_leaves(trunk, edits)
        return {leaf for leaf in range(12) if set(table.nodes[table.of_leaf[leaf]]) & set(nodes)}

    assert leaves_below(group.nodes) == leaves_below(caught)
    expect(explorer.page.locator("#tree [data-pick=g0][aria-selected=true]")).to_be_visible()
    expect(explorer.page.locator("#lasso")).to_have_attribute("aria-pressed", "false")


def test_what_somebody_else_saved_meanwhile_is_asked_about(explorer, cut):
    other = HandEdits(cut=explorer.edits.cut, names={cut[0]: "theirs"})
    write_edits(explorer.result, other, explorer.edits.revision)
    explorer.set_level(3)
    dialog = explorer.page.locator("#conflict-dialog")
    expect(dialog).to_be_visible()
    explorer.page.click("text=Reload theirs")
    expect(explorer.page.locator(f"#tree [data-pick=n{cut[0]}] .row-name")).to_have_text("theirs")
    assert explorer.edits.names == {cut[0]: "theirs"}
    _forget_refusals(explorer)


def test_or_written_over(explorer, cut):
    write_edits(explorer.result, HandEdits(names={cut[0]: "theirs"}), explorer.edits.revision)
    explorer.set_level(3)
    explorer.page.click("text=Keep mine")
    eventually(lambda: expect_equal(len(explorer.saved().cut or ()), 3))
    assert explorer.edits.names == {}
    _forget_refusals(explorer)


def test_what_cannot_be_saved_is_told(explorer):
    explorer.page.route(
        "**/edits",
        lambda route: route.fulfill(status=500, body=json.dumps({"error": "the disk is full."})),
    )
    explorer.set_level(3)
    notice = explorer.page.locator(".notice.error")
    expect(notice).to_have_text("Not saved: the disk is full.×")
    explorer.page.unroute("**/edits")
    explorer.set_level(5)
    eventually(lambda: expect_equal(len(explorer.saved().cut), 5))
    notice.get_by_role("button", name="Put away").click()
    expect(notice).to_have_count(0)
    _forget_refusals(explorer)


def _forget_refusals(explorer):
    """Chromium itself writes every refusal of a server to the console."""
    refused = "Failed to load resource: the server responded with a status of "
    explorer.said[:] = [line for line in explorer.said if not line.startswith(refused)]
