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
The pages that are read first go through a shell. On others a line that only calls ``gyrovox`` is
run in this process, which has loaded torch already.
"""

import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

from gyrovox.cli import main
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
READ_FIRST = {"README.md", "docs/get-started.md"}
# What only a shell understands.
SHELL = re.compile(r"[|&;<>()$`*?~{}\[\]]")
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


def _calls(code: str) -> list[list[str]] | None:
    """The words after ``gyrovox`` of every line; None where one needs a shell."""
    lines = [shlex.split(line, comments=True) for line in code.replace("\\\n", " ").splitlines()]
    lines = [line for line in lines if line]
    if any(line[0] != "gyrovox" or SHELL.search(" ".join(line)) for line in lines):
        return None
    return [line[1:] for line in lines]


def _run_commands(code: str, folder: Path, *, shell: bool) -> None:
    calls = _calls(code)
    if shell or calls is None:
        _run_bash(code, folder)
        return
    for words in calls:
        with pytest.raises(SystemExit) as leave:
            main(words)
        assert leave.value.code == 0, shlex.join(["gyrovox", *words])


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
            code = _with_flags(block.code, flags)
            _run_commands(code, tmp_path, shell=_ids(page) in READ_FIRST)
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


def test_lines_that_only_call_gyrovox_need_no_shell():
    code = "# first\ngyrovox info a.mrc   # what it is\ngyrovox train a.mrc \\\n  -o 'b c'\n"
    assert _calls(code) == [["info", "a.mrc"], ["train", "a.mrc", "-o", "b c"]]


@pytest.mark.parametrize(
    "line", ["ls out", "gyrovox info *.mrc", "gyrovox info a > b", "gyrovox info a | head"]
)
def test_other_lines_go_to_a_shell(line):
    assert _calls(f"gyrovox info a.mrc\n{line}\n") is None


def test_a_command_that_fails_fails_the_page(tmp_path):
    for shell in (True, False):
        with pytest.raises(AssertionError, match=r"gyrovox info absent\.mrc"):
            _run_commands("gyrovox info absent.mrc\n", tmp_path, shell=shell)
