"""Nothing in the docs is unrun: each page's code runs from top to bottom in an empty folder.

A block is fenced with three backticks and a language. What a page may say in a comment right
above a block, for this test to obey and for a reader of the source to see:

- ``<!-- not run: REASON -->`` leaves the block out;
- ``<!-- in the tests, add: FLAGS -->`` appends flags to every ``gyrovox`` command of the block,
  so that what takes minutes on a real volume takes seconds on a small one;
- ``<!-- in the tests, replace: THIS -> THAT -->`` does the same for a block of ``python``, where
  THAT may use ``quick``, a configuration that trains for a moment;
- ``<!-- file: NAME -->`` writes the block, of any language, to that file.

Blocks of ``python`` share their names down the page; blocks of ``bash`` stop at the first error.
"""

import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

from gyrovox.settings import Configuration, TrainingSettings

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"^(?:<!-- (?P<order>not run|in the tests, add|in the tests, replace|file): "
    r"(?P<detail>[^\n]+?) -->\n)?"
    r"^```(?P<language>[^\n]*)\n(?P<code>.*?)^```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
QUICK = Configuration(training=TrainingSettings(steps=3, crop_size=12))
RUN = {"bash", "python"}
SHOWN = {"text", "yaml", "math"}
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


class Block(NamedTuple):
    line: int
    language: str
    code: str
    order: str
    detail: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            text.count("\n", 0, match.start("code")) + 1,
            match["language"],
            match["code"],
            match["order"] or "",
            match["detail"] or "",
        )
        for match in BLOCK.finditer(text)
    ]


def _with_flags(code: str, flags: str) -> str:
    joined = code.replace("\\\n", " ")
    return "".join(
        f"{line} {flags}\n" if line.lstrip().startswith("gyrovox ") else f"{line}\n"
        for line in joined.splitlines()
    )


def _replaced(code: str, order: str) -> str:
    this, that = order.split(" -> ")
    assert this in code, f"nothing to replace: {this!r} is not in the block"
    return code.replace(this, that)


def _run_bash(code: str, folder: Path) -> None:
    scripts = sysconfig.get_path("scripts")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"


def _ids(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_every_code_block_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__", "quick": QUICK}
    for block in blocks(page):
        if block.order == "not run":
            continue
        if block.order == "file":
            (tmp_path / block.detail).write_text(block.code, encoding="utf-8")
        elif block.language == "bash":
            flags = block.detail if block.order == "in the tests, add" else ""
            _run_bash(_with_flags(block.code, flags), tmp_path)
        elif block.language == "python":
            replaced = block.order == "in the tests, replace"
            code = _replaced(block.code, block.detail) if replaced else block.code
            # Blank lines in front, so that an error names the line of the page.
            code = "\n" * (block.line - 1) + code
            exec(compile(code, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_no_code_block_escapes(page):
    found = blocks(page)
    assert 2 * len(found) == len(FENCE.findall(page.read_text(encoding="utf-8"))), (
        "a fence is indented, unclosed or made of tildes"
    )
    for block in found:
        assert block.language in RUN | SHOWN, f"line {block.line}: say which language it is"
        assert block.order != "not run" or len(block.detail.split()) >= 3, "say why"
        if block.language == "yaml":
            assert block.order == "file", "give it a name, and a command that reads it"


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_every_link_within_the_repository_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    missing = [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    assert missing == []


def test_flags_reach_only_the_commands_of_gyrovox():
    code = "ls out\ngyrovox train a \\\n    -o b\n"
    assert _with_flags(code, "--quiet") == "ls out\ngyrovox train a      -o b --quiet\n"
