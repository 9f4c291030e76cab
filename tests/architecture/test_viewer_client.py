"""The page that is shipped was built from the sources that are kept, and goes into the wheel."""

import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "viewer-client"
STATIC = REPOSITORY / "src" / "gyrovox" / "viewer" / "static"
# As viewer-client/vite.config.ts has them.
SOURCES = ["index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts"]


def fingerprint(client: Path) -> str:
    """SHA-256 over names and contents of the sources, in the order of their names."""
    files = [client / name for name in SOURCES]
    for folder in ("no-cbor", "src"):
        files += [path for path in (client / folder).rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for name in sorted(path.relative_to(client).as_posix() for path in files):
        digest.update(f"{name}\0".encode())
        digest.update((client / name).read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()


def test_the_build_is_that_of_the_sources():
    built_of = json.loads((STATIC / "build.json").read_text(encoding="utf-8"))["sources"]
    assert built_of == fingerprint(CLIENT), (
        "build the page again: cd viewer-client && npm ci && npm run build"
    )


def test_the_page_names_only_files_that_are_there():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'(?:src|href)="/([^"]+)"', page)
    assert len(named) >= 2
    assert [name for name in named if not (STATIC / name).is_file()] == []


def test_the_page_runs_nothing_that_its_policy_refuses():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page)


@pytest.mark.parametrize("suffix", [".html", ".js", ".css"])
def test_the_page_names_no_other_host(suffix):
    # What XML calls its vocabularies is an address only by its looks.
    allowed = re.compile(r"https?://www\.w3\.org/")
    found = [
        match
        for path in STATIC.rglob(f"*{suffix}")
        for match in re.findall(r"https?://[\w.-]+[\w/]*", path.read_text(encoding="utf-8"))
        if not allowed.match(match)
    ]
    assert found == []


def test_there_are_no_maps_of_sources_and_nothing_large():
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert not [path.name for path in files if path.suffix == ".map"]
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_the_library_of_the_slices_is_pinned():
    package = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
    locked = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = package["dependencies"]["@niivue/niivue"]
    assert wanted == "1.0.0-rc.9"
    assert locked["node_modules/@niivue/niivue"]["version"] == wanted
    assert not [name for name, facts in locked.items() if ":" in facts.get("resolved", "")]


def test_one_file_alone_knows_that_library():
    knowing = [
        path.name
        for path in (CLIENT / "src").glob("*.ts")
        if "@niivue/niivue" in path.read_text(encoding="utf-8")
    ]
    assert knowing == ["volume-view.ts"]


def test_the_page_goes_into_the_wheel():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    build = project["tool"]["hatch"]["build"]
    assert "src/gyrovox/viewer/static/**" in build["artifacts"]
    assert STATIC.is_relative_to(REPOSITORY / build["targets"]["wheel"]["packages"][0])
