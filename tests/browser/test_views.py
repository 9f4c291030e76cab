"""Slices, disk, tree and path show one thing, and lead to each other."""

from explorer_page import assert_alike, eventually
from playwright.sync_api import expect

from gyrovox.results import HandEdits


def path_of(trunk, leaf):
    """Nodes from the root down to a leaf."""
    nodes = [leaf]
    while trunk.parents[nodes[-1]] != nodes[-1]:
        nodes.append(int(trunk.parents[nodes[-1]]))
    return nodes[::-1]


def selected(explorer):
    rows = explorer.page.locator("#tree [aria-selected=true]:visible")
    return sorted(rows.evaluate_all("rows => rows.map(row => row.dataset.pick)"))


def test_the_slider_changes_the_picture_to_the_classes_that_python_has(explorer):
    explorer.opaque()
    voxels = explorer.voxels()
    before = explorer.picture()
    for classes in (2, 4, 12):
        explorer.set_level(classes)
        edits = explorer.saved()
        assert len(edits.cut) == classes
        meant = explorer.colours_meant(voxels, edits)
        eventually(lambda meant=meant: assert_alike(explorer.colours_seen(voxels), meant))
    assert (explorer.picture() != before).any(axis=-1).mean() > 0.05


def test_a_drag_of_the_slider_is_one_step_to_undo(explorer):
    slider = explorer.page.locator("#level")
    slider.focus()
    for _ in range(30):
        slider.press("ArrowLeft")
    assert len(explorer.saved().cut) < 8
    explorer.page.click("#undo")
    expect(explorer.page.locator("#level-number")).to_have_value("8")


def test_marks_are_the_levels_that_were_written(explorer):
    explorer.page.click(".mark[data-classes='4']")
    expect(explorer.page.locator("#level-number")).to_have_value("4")
    written = explorer.page.locator(".mark.written")
    assert written.evaluate_all("marks => marks.map(mark => mark.dataset.classes)") == ["2", "4"]


def test_a_click_on_a_point_lights_its_voxels_and_dims_the_others(explorer):
    explorer.opaque()
    explorer.set_level(4)
    edits = explorer.saved()
    voxels = explorer.voxels()
    node = int(edits.cut[0])
    explorer.page.mouse.click(*explorer.pixel_of_node(node))
    eventually(lambda: expect_only(selected(explorer), [f"n{node}"]))
    inside = [node in path_of(explorer.result.trunk, explorer.leaves[v] - 1) for v in voxels]
    assert any(inside)
    assert not all(inside)
    lit = [v for v, within in zip(voxels, inside, strict=True) if within]
    dimmed = [v for v, within in zip(voxels, inside, strict=True) if not within]
    eventually(lambda: assert_alike(explorer.colours_seen(lit), explorer.colours_meant(lit, edits)))
    # What is dimmed is nearly the grey of the image.
    for red, green, blue in explorer.colours_seen(dimmed):
        assert max(red, green, blue) - min(red, green, blue) < 45


def expect_only(found, wanted):
    assert found == wanted


def test_a_click_on_a_voxel_selects_its_class_and_shift_adds_another(explorer):
    explorer.set_level(4)
    cut = explorer.saved().cut
    classes = {}
    for voxel in explorer.voxels():
        path = path_of(explorer.result.trunk, explorer.leaves[voxel] - 1)
        classes.setdefault(next(node for node in path if node in cut), voxel)
    (one, here), (other, there), *_ = classes.items()
    explorer.page.mouse.click(*explorer.pixel_of(here))
    eventually(lambda: expect_only(selected(explorer), [f"n{one}"]))
    explorer.page.keyboard.down("Shift")
    explorer.page.mouse.click(*explorer.pixel_of(there))
    explorer.page.keyboard.up("Shift")
    eventually(lambda: expect_only(selected(explorer), sorted([f"n{one}", f"n{other}"])))
    explorer.page.keyboard.press("Escape")
    eventually(lambda: expect_only(selected(explorer), []))


def test_a_voxel_under_the_pointer_has_a_path_a_place_and_a_point(explorer):
    voxel = explorer.voxels()[-1]
    leaf = int(explorer.leaves[voxel]) - 1
    before = explorer.picture()
    explorer.page.mouse.move(*explorer.pixel_of(voxel))
    crumbs = explorer.page.locator("#spot-path [data-node]")
    path = [str(node) for node in path_of(explorer.result.trunk, leaf)]
    eventually(
        lambda: expect_only(crumbs.evaluate_all("all => all.map(one => one.dataset.node)"), path)
    )
    z, y, x = voxel
    place = explorer.page.locator("#spot-place")
    expect(place).to_contain_text(f"z {z}  y {y}  x {x}")
    expect(place).to_contain_text(f"{z * 2}, {y}, {x} nm")
    measured = float(explorer.result.image().read()[0][voxel])
    shown = float(place.inner_text().split("intensity ")[1])
    assert abs(shown - measured) < 0.01 * measured
    row = explorer.page.locator("#tree .row.pointed")
    assert row.get_attribute("data-pick") in {f"n{node}" for node in path}
    # Its point on the disk has a ring now.
    px, py = (int(each) for each in explorer.pixel_of_node(leaf))
    around = (slice(py - 9, py + 10), slice(px - 9, px + 10))
    eventually(lambda: _differ(explorer.picture()[around], before[around]))


def _differ(one, other):
    assert (one != other).any()


def test_outside_the_mask_there_is_no_class(explorer):
    explorer.page.focus("#volume")
    for _ in range(8):
        explorer.page.keyboard.press("PageDown")
    expect(explorer.page.locator("#spot-place")).to_contain_text("z 1  ")
    x, y = explorer.pixel_of((1, 1, 1))

    def see():
        # The slice that is pointed at is the one that has been drawn.
        explorer.page.mouse.move(x + 2, y)
        explorer.page.mouse.move(x, y)
        assert explorer.page.locator("#spot-path").inner_text() == "outside the mask"

    eventually(see)


def test_arrow_keys_move_the_crosshair(explorer):
    explorer.page.focus("#volume")
    place = explorer.page.locator("#spot-place")
    z, y, x = [int(word) for word in place.inner_text().split("·")[0].split()[1::2]]
    for key in ("ArrowRight", "ArrowUp", "ArrowUp", "PageUp"):
        explorer.page.keyboard.press(key)
    expect(place).to_contain_text(f"z {z + 1}  y {y + 2}  x {x + 1}")


def test_the_wheel_goes_through_the_slices(explorer):
    place = explorer.page.locator("#spot-place")
    before = place.inner_text().split()[1]
    explorer.page.mouse.move(*explorer.pixel_of(explorer.voxels()[0]))
    explorer.page.mouse.wheel(0, 100)
    eventually(lambda: _differ_as_words(place.inner_text().split()[1], before))


def _differ_as_words(one, other):
    assert one != other


def test_branches_are_expanded_and_collapsed_one_by_one(explorer):
    trunk = explorer.result.trunk
    explorer.set_level(2)
    first = explorer.saved().cut
    node = max(first, key=lambda each: trunk.sizes[each])
    explorer.page.click(f"#tree [data-pick=n{node}] .row-toggle")
    parts = {int(each) for each in (trunk.parents == node).nonzero()[0]} - {node}
    assert set(explorer.saved().cut) == {*first, *parts} - {node}
    explorer.page.click(f"#tree [data-pick=n{node}] .row-toggle")
    eventually(lambda: expect_only(explorer.saved().cut, first))


def test_keys_expand_collapse_and_change_the_level(explorer):
    explorer.set_level(2)
    cut = explorer.saved().cut
    explorer.page.mouse.click(*explorer.pixel_of_node(cut[0]))
    explorer.page.keyboard.press("e")
    eventually(lambda: expect_only(len(explorer.saved().cut), 3))
    explorer.page.keyboard.press("c")
    eventually(lambda: expect_only(explorer.saved().cut, cut))
    explorer.page.keyboard.press("+")
    eventually(lambda: expect_only(len(explorer.saved().cut), 3))


def test_the_list_of_classes_has_their_sizes(explorer):
    explorer.set_level(4)
    explorer.page.click("#tab-classes")
    rows = explorer.page.locator("#classes .row:visible")
    sizes = [int(explorer.result.trunk.sizes[node]) for node in explorer.saved().cut]
    wanted = [f"{size:,}" for size in sorted(sizes, reverse=True)]
    eventually(
        lambda: expect_only(
            rows.evaluate_all("all => all.map(one => one.querySelector('.row-size').textContent)"),
            wanted,
        )
    )
    volume = explorer.page.locator("#classes .row-nm3").first
    expect(volume).to_have_text(f"{float(f'{2 * max(sizes):.3g}'):,.0f} nm³")


def test_a_3d_picture_comes_when_it_is_asked_for(explorer):
    assert explorer.page.locator(".tile[data-plane='3-D']").count() == 0
    explorer.page.check("#rendering")
    box = explorer.page.locator(".tile[data-plane='3-D']").bounding_box()
    inside = tuple(
        slice(int(start) + 25, int(start + length) - 2)
        for start, length in ((box["y"], box["height"]), (box["x"], box["width"]))
    )
    corner = explorer.picture()[inside][-1, -1]
    eventually(lambda: _much(explorer.picture()[inside] != corner))


def _much(differs):
    assert differs.any(axis=-1).mean() > 0.1


def test_nothing_chosen_is_what_python_shows_first(explorer):
    explorer.opaque()
    voxels = explorer.voxels()
    meant = explorer.colours_meant(voxels, HandEdits())
    eventually(lambda: assert_alike(explorer.colours_seen(voxels), meant))
    assert not (explorer.folder / "edits.json").exists()
