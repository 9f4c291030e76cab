"""The whole page."""

import json
import re
import shutil
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from gyrovox import io
from gyrovox.errors import ResultError
from gyrovox.report.page import write_report
from gyrovox.volumes import Volume

VOID = {"meta", "input", "img", "br", "hr", "link"}
HOSTILE = "<script>alert(1)</script>&.mrc".replace("/", "∕")


class Reader(HTMLParser):
    """Elements that are opened and closed, attributes that name something, and headings."""

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.given, self.ids, self.headings = [], [], [], [], []
        self.feed(text)
        self.close()
        self.faults += self.open

    def handle_starttag(self, name, attributes):
        if name not in VOID:
            self.open.append(name)
        self.given += [(name, key, value) for key, value in attributes]
        self.ids += [value for key, value in attributes if key == "id"]
        if re.fullmatch("h[1-6]", name):
            self.headings.append(int(name[1]))

    def handle_endtag(self, name):
        if not self.open or self.open.pop() != name:
            self.faults.append(name)


@pytest.fixture
def page(folder):
    return write_report(folder, place="out/scan").read_text(encoding="utf-8")


def test_it_is_written_beside_the_result(folder):
    path = write_report(folder)
    assert path == folder / "report.html"
    assert not list(folder.glob(".*"))
    first = path.read_bytes()
    assert write_report(folder).read_bytes() == first  # and the same for the same result


def test_every_element_is_closed_and_every_id_is_one(page):
    found = Reader(page)
    assert found.faults == []
    assert len(found.ids) == len(set(found.ids))
    shown = {value[1:] for _, key, value in found.given if key == "href" and value[0] == "#"}
    assert shown <= set(found.ids)
    assert {"disk", "g-xy-0", "l-2-xy-0"} <= set(found.ids)


def test_headings_go_down_a_step_at_a_time(page):
    headings = Reader(page).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(fine - coarse <= 1 for coarse, fine in pairwise(headings))


def test_nothing_is_loaded_from_anywhere(page):
    loads = [
        (name, value)
        for name, key, value in Reader(page).given
        if key in {"src", "href", "data", "srcset", "poster", "action", "background"}
        and not value.startswith(("#", "data:"))
    ]
    # What a reader may click is no resource.
    assert {name for name, _ in loads} == {"a"}
    assert "@import" not in page
    assert "url(" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src &#x27;none&#x27;; img-src data:;")
    assert "unsafe" not in policy
    # Styles of elements would not be let through.
    assert not [key for _, key, _ in Reader(page).given if key == "style" or key.startswith("on")]


def test_a_printer_gets_every_level_and_no_control(page):
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    printed = style[style.index("@media print") :]
    assert re.search(r"\.stage, \.controls.*\{ display: none !important; \}", printed)
    assert "@page" in style
    assert "prefers-color-scheme: dark" in style
    for k in (2, 3):
        assert re.search(rf'<article class="column" data-level="{k}">', page)


def test_a_hostile_name_is_text(write_run):
    folder = write_run(name=HOSTILE, mask='"><img src=x onerror=alert(1)>')
    page = write_report(folder, place="</code><script>alert(2)</script>").read_text(
        encoding="utf-8"
    )
    assert page.count("<script") == 1
    assert "<img" not in page
    assert (
        f"<h1>{HOSTILE.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</h1>"
        in page
    )
    assert Reader(page).faults == []


def test_it_tells_of_kmeans_without_a_tree(write_run, kmeans_settings):
    page = write_report(write_run(with_tree=False, settings=kmeans_settings)).read_text("utf-8")
    assert "The levels are not nested." in page
    assert 'id="stage-disk"' not in page
    assert "The tree</h2>" not in page
    assert "gyrovox view" not in page
    assert Reader(page).faults == []


def test_a_mask_more_dimensions_and_one_level_do_no_harm(write_run):
    folder = write_run(masked=True, dim=5, levels=(2,), size=None)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "a projection of 5 dimensions" in page
    assert "lie outside the mask" in page
    assert Reader(page).faults == []


def test_a_large_noisy_volume_stays_below_ten_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    shape = (16, 330, 330)
    image = Volume.from_array(rng.integers(0, 256, shape).astype(np.uint8))
    io.write(image, tmp_path / "scan.mrc")
    for k in (2, 4, 8, 16):  # the worst that can be: noise, which nothing packs
        labels = rng.integers(0, k, shape).astype(np.uint8)
        io.write_labels(labels, tmp_path / f"level-{k}.mrc", like=image)
    (tmp_path / "run.json").write_text(json.dumps({"volume": "scan.mrc"}))
    path = write_report(tmp_path)
    assert path.stat().st_size < 10_000_000
    assert "every 1 × 2 × 2 voxels" in path.read_text(encoding="utf-8")


def test_a_page_that_fails_leaves_the_earlier_one(folder):
    path = write_report(folder)
    before = path.read_bytes()
    for level in folder.glob("level-*"):
        level.unlink()
    with pytest.raises(ResultError, match="level-K files"):
        write_report(folder)
    assert path.read_bytes() == before


CHROMIUM = shutil.which("chromium")
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="module")
def browser():
    """A browser; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium, and there is none on the path")
    driver = pytest.importorskip("playwright.sync_api")
    with driver.sync_playwright() as playwright:
        shown = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield shown
        shown.close()


@pytest.fixture
def open_page(browser, folder):
    """Open the page of the small result, and note what it asks for and complains about."""
    contexts = []

    def call(**options):
        context = browser.new_context(viewport={"width": 1200, "height": 800}, **options)
        contexts.append(context)
        shown = context.new_page()
        noted = []
        shown.on("console", lambda message: noted.append(message.text))
        shown.on("pageerror", lambda error: noted.append(str(error)))
        address = write_report(folder).as_uri()
        shown.on(
            "request",
            lambda asked: (
                None
                if asked.url == address or asked.url.startswith("data:")
                else noted.append(asked.url)
            ),
        )
        shown.goto(address)
        return shown, noted

    yield call
    for context in contexts:
        context.close()


@pytest.mark.browser
def test_the_sliders_change_the_picture_and_nothing_is_asked_for(open_page):
    shown, noted = open_page()
    plane, disk = shown.locator("#stage-xy"), shown.locator("#stage-disk")
    two, two_disk = plane.screenshot(), disk.screenshot()
    shown.locator("#level").press("ArrowRight")
    assert shown.locator("#level-name").inner_text() == "3 classes"
    assert plane.screenshot() != two
    assert disk.screenshot() != two_disk
    rows = shown.locator("#stage-classes tbody tr")
    assert rows.count() == 3
    assert shown.locator("#tree .row.now").count() == 3
    shown.locator("#level").press("ArrowLeft")
    assert plane.screenshot() == two

    shown.locator(".depth[data-plane=xy]").press("ArrowRight")
    assert shown.locator("#depth-name-0").inner_text() == "z = 4"
    assert plane.screenshot() != two
    shown.locator("#alone").check()
    alone = plane.screenshot()
    shown.locator("#alone").uncheck()
    shown.locator("#opacity").fill("0")
    assert plane.screenshot() == alone
    assert noted == []


@pytest.mark.browser
def test_without_a_script_the_coarsest_level_is_shown_and_the_tree_is_open(open_page):
    shown, noted = open_page(java_script_enabled=False)
    assert shown.locator("#level").is_hidden()
    assert shown.locator("#stage-xy").is_visible()
    assert shown.locator("#tree details:not([open])").count() == 0
    colours = shown.locator("#stage-xy").screenshot()
    assert colours != shown.locator(".column .slice").first.screenshot()  # the image alone
    # The policy of the page keeps its script from running, and says so; it asks for nothing.
    assert [one for one in noted if "://" in one] == []


@pytest.mark.browser
def test_a_printer_gets_all_levels_and_no_control(open_page):
    shown, _ = open_page()
    shown.emulate_media(media="print")
    assert shown.locator("#look").is_hidden()
    columns = shown.locator(".column")
    assert columns.count() == 3
    assert all(columns.nth(i).is_visible() for i in range(3))
    # What is folded on the screen is open on paper.
    shown.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert shown.locator("#tree details:not([open])").count() == 0
    shown.evaluate("window.dispatchEvent(new Event('afterprint'))")
