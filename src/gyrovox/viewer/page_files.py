"""The files of the page, which are built from `viewer-client/` and shipped with the package."""

from pathlib import Path

from gyrovox.errors import MissingFileError
from gyrovox.viewer.kept_answer import KeptAnswer

STATIC = Path(__file__).parent / "static"
"""Where the built page lies."""

_INDEX = "index.html"
# Not `mimetypes`, which asks the machine, and some machines say wrong things of .js.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}


def page_files(folder: Path = STATIC) -> dict[str, KeptAnswer]:
    """All files of the page, by what they are called in an address.

    They are found by looking into the folder, once, and what a request asks for is only ever
    compared with what was found: no request can name a file that is not among them.

    Args:
        folder: Where they lie.

    Returns:
        Files by path, such as ``/`` and ``/assets/page.js``. Links are not followed.

    Raises:
        MissingFileError: If the page is not there.
    """
    if not (folder / _INDEX).is_file():
        raise MissingFileError(
            f"the explorer's page must be in {folder}, and is not. Install gyrovox from a wheel, "
            f"or build the page: npm ci && npm run build, in viewer-client"
        )
    found = {}
    for path in sorted(folder.rglob("*")):
        named = path.relative_to(folder)
        linked = any((folder / one).is_symlink() for one in (named, *named.parents[:-1]))
        if path.suffix in _TYPES and path.is_file() and not linked:
            found[f"/{named.as_posix()}"] = KeptAnswer(path.read_bytes(), _TYPES[path.suffix])
    return {"/": found.pop(f"/{_INDEX}"), **found}
