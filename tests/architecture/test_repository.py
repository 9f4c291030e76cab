"""What is kept under version control would work, and read well, on anybody's machine."""

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".cfg", ".csv", ".svg", ""}
# The folders under which the machines of developers and of CI keep things.
MACHINE_PATH = re.compile(
    r"(?:^|[^\w.~/-])/(?:home|root|work|tmp|farm|opt|mnt|Users|scratch)/\w", re.MULTILINE
)
REGISTRY = re.compile(r"pypi\.org|pythonhosted|download\.pytorch|index-url")


def _tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, check=False, capture_output=True, text=True
    )
    if listing.returncode:  # an unpacked archive has no history
        return []
    names = filter(None, listing.stdout.split("\0"))
    return [path for name in names if (path := REPOSITORY / name).is_file()]


TRACKED = _tracked()


def test_no_file_names_a_machine_or_a_registry():
    found = [
        f"{path.relative_to(REPOSITORY)}: {match.group()!r}"
        for path in TRACKED
        if path.suffix in TEXT and path != Path(__file__)
        for pattern in (MACHINE_PATH, REGISTRY)
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_large_file_is_kept():
    large = {str(path): size for path in TRACKED if (size := path.stat().st_size) > 1_000_000}
    assert large == {}, "data is made by a command, or lies beside the repository"


def test_decisions_are_numbered_without_gaps():
    records = sorted((REPOSITORY / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text(encoding="utf-8")
        for part in ("# ", "## Context", "## Decision", "## Consequences"):
            assert part in text, f"{path.name} lacks {part!r}"


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_names_both_commands(command):
    assert command in (REPOSITORY / "README.md").read_text(encoding="utf-8")
