"""The files of the page, and nothing beside them."""

import pytest

from gyrovox.errors import MissingFileError
from gyrovox.viewer.page_files import page_files


def test_files_are_found_by_their_addresses(static):
    found = page_files(static)
    assert list(found) == ["/", "/assets/page.css", "/assets/page.js"]
    assert found["/"].content == b"<!doctype html><title>page</title>"
    assert {path: file.media_type for path, file in found.items()} == {
        "/": "text/html; charset=utf-8",
        "/assets/page.css": "text/css; charset=utf-8",
        "/assets/page.js": "text/javascript; charset=utf-8",
    }


def test_links_and_unknown_kinds_of_files_are_left_out(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.json").write_text("{}")
    static = tmp_path / "static"
    static.mkdir()
    (static / "index.html").write_text("page")
    (static / "notes.txt").write_text("not for the browser")
    (static / "linked.json").symlink_to(tmp_path / "secret" / "key.json")
    (static / "linked").symlink_to(tmp_path / "secret")
    assert list(page_files(static)) == ["/"]


def test_a_page_that_was_not_built_is_an_error(tmp_path):
    with pytest.raises(
        MissingFileError, match=r"page must be in .*\. Install gyrovox from a wheel"
    ):
        page_files(tmp_path)
