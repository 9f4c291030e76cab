"""A page of three files, in the place of the built one."""

from pathlib import Path


def write_page(folder: Path) -> Path:
    """Write the page into a folder that is made for it."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "assets" / "page.js").write_text("export {};")
    (folder / "assets" / "page.css").write_text("body {}")
    return folder
