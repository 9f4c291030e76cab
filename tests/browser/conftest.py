"""A real browser, a real server, and a small result that is known leaf by leaf."""

import shutil
from contextlib import ExitStack

import pytest
from explorer_page import Explorer, served
from hand_made_result import boxes, write_hand_made

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """The browser; tests are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium, and it is not installed: apt-get install chromium")
    # Imported here, so that tests can be collected where it is not installed.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def window(chromium, tmp_path_factory):
    """A page that is open for a whole session, over a result of twelve leaves."""
    folder = write_hand_made(tmp_path_factory.mktemp("out") / "boxes", boxes())
    with served(folder) as server:
        context = chromium.new_context(viewport={"width": 1000, "height": 680}, color_scheme="dark")
        yield Explorer(context.new_page(), folder).open(server.new_address())
        context.close()


@pytest.fixture
def explorer(window):
    """That page, loaded anew, after anything that was done to the result is gone."""
    (window.folder / "edits.json").unlink(missing_ok=True)
    window.page.mouse.move(0, 0)
    window.reload()
    yield window
    # What waits to be saved must not come after the next test has begun.
    _wait_until_saved(window.page)
    assert window.said == [], "the page must have nothing to complain of"
    assert window.foreign == [], "the page must ask nobody but its server"


@pytest.fixture
def open_page(chromium):
    """Serve a folder, and open a result of it in a window of its own.

    What the page said and asked for is looked at in the end, before its server is gone.
    """
    opened = []
    with ExitStack() as servers:

        def open_page(served_folder, result):
            server = servers.enter_context(served(served_folder))
            context = servers.enter_context(
                chromium.new_context(viewport={"width": 1000, "height": 680})
            )
            opened.append(Explorer(context.new_page(), result))
            return opened[-1].open(server.new_address())

        yield open_page
        for one in opened:
            _wait_until_saved(one.page)
    for one in opened:
        assert one.said == [], "the page must have nothing to complain of"
        assert one.foreign == [], "the page must ask nobody but its server"


def _wait_until_saved(page):
    idle = "#save-state:not([data-state=waiting]):not([data-state=saving])"
    page.wait_for_selector(idle, state="attached")
