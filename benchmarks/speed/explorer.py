"""How long the explorer keeps a person waiting: ``python -m benchmarks.speed.explorer``.

A phantom is made and segmented, its result is served by `gyrovox view`, and a real browser opens
it, each time with nothing kept from the time before. Then the level is changed, up and down. The
browser draws by software here: with a graphics card, pictures come sooner.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.speed.interleaved import RESULTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST_PICTURE_S = 5.0
"""How long the first picture of 256^3 voxels may take."""

LEVEL_CHANGE_MS = 100.0
"""How long a change of level may keep the page's scripts busy."""

PATIENCE_MS = 300_000
_FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What was measured of one result."""

    shape: tuple[int, ...]
    """Voxels along z, y, x."""

    leaves: int
    """Leaves of its tree."""

    server_s: float
    """Until the server gives out an address, from its command on."""

    pictures_s: tuple[float, ...]
    """From the address to the first picture, one per opening; the first has nothing cached."""

    megabytes: float
    """What the browser was sent."""

    levels_ms: dict[int, float]
    """Scripting per change of level, by number of classes: medians."""


def segmented(side: int, folder: Path, steps: int) -> Path:
    """A phantom of side^3 voxels and its result."""
    _run("phantom", "cell", "-o", folder / "phantom", "--shape", side, side, side)
    (volume,) = (folder / "phantom").glob("volume-*")
    _run("segment", volume, "-o", folder / "out", "--training.steps", steps, "--quiet")
    return folder / "out"


def _run(*words: object) -> None:
    command = [sys.executable, "-m", "gyrovox", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`gyrovox view`, until the end."""
    command = [sys.executable, "-m", "gyrovox", "view", str(folder), "--no-browser"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def measure(folder: Path, openings: int, changes: int) -> Waiting:
    """Open a result in the browser so often, and change its level so often."""
    # Imported here, so that this module can be looked into without it.
    from playwright.sync_api import sync_playwright

    pictures: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        for _ in range(openings):
            start = time.perf_counter()
            with serving(folder) as server:
                address = (server.stdout.readline() if server.stdout else "").strip()
                up = time.perf_counter() - start
                page = _opened(browser, address)
                marks = "performance.getEntriesByName('gyrovox:first-picture')[0].startTime"
                pictures.append(page.evaluate(marks) / 1000)
                sent = page.evaluate(
                    "performance.getEntriesByType('resource')"
                    ".reduce((sum, each) => sum + each.transferSize, 0)"
                )
                facts = page.evaluate("fetch('/api/results').then(answer => answer.json())")[0]
                levels = _levels(page, facts["leaves"], changes)
                page.context.close()
        browser.close()
    return Waiting(
        shape=tuple(facts["shape"]),
        leaves=facts["leaves"],
        server_s=up,
        pictures_s=tuple(pictures),
        megabytes=sent / 1e6,
        levels_ms=levels,
    )


def _opened(browser: "Browser", address: str) -> "Page":
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-ready=true]", state="attached")
    return page


def _levels(page: "Page", leaves: int, changes: int) -> dict[int, float]:
    """Scripting of changes to some levels, as the browser itself counts it."""
    session = page.context.new_cdp_session(page)
    # In time of the processor: what else runs on the machine does not count.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def scripting_ms() -> float:
        facts = session.send("Performance.getMetrics")["metrics"]
        return 1000 * float(next(f["value"] for f in facts if f["name"] == "ScriptDuration"))

    wanted = sorted({min(level, leaves) for level in (2, 64, 512, 4096)})
    spent: dict[int, list[float]] = {level: [] for level in wanted}
    for _ in range(changes):
        for level in wanted:
            before = scripting_ms()
            page.fill("#level-number", str(level))
            page.press("#level-number", "Enter")
            page.wait_for_selector("#save-state[data-state=saved]", state="attached")
            spent[level].append(scripting_ms() - before)
    return {level: statistics.median(each) for level, each in spent.items()}


def report(sides: Sequence[int], *, openings: int, changes: int, steps: int) -> str:
    """The whole page."""
    lines = [
        "# Waiting for the explorer",
        "",
        "Written by `python -m benchmarks.speed.explorer`. Cell phantoms, segmented, served by "
        "`gyrovox view` and opened in Chromium, which draws by software (SwiftShader); "
        f"{openings} openings, of a server started anew each time, and {changes} changes to each "
        "level. First picture: from asking for the address to slices with labels, disk and tree. "
        "Level: all scripting from typing a number to its being saved, as the browser counts it, "
        "median.",
        "",
        "| shape (z, y, x) | leaves | server up, s | first picture, s: median (best, worst) "
        "| sent, MB | level, ms of scripting |",
        "|---|---|---|---|---|---|",
    ]
    notes = []
    for side in sides:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(segmented(side, Path(folder), steps), openings, changes)
        shape = "x".join(map(str, found.shape))
        times = sorted(found.pictures_s)
        levels = ", ".join(f"{level}: {ms:.0f}" for level, ms in found.levels_ms.items())
        lines.append(
            f"| {shape} | {found.leaves:,} | {found.server_s:.1f} | "
            f"{statistics.median(times):.1f} ({times[0]:.1f}, {times[-1]:.1f}) | "
            f"{found.megabytes:.1f} | {levels} |"
        )
        slowest = max(found.levels_ms.values())
        notes.append(
            f"- {shape}: the first picture takes {statistics.median(times):.1f} s, of "
            f"{FIRST_PICTURE_S:g} s that 256x256x256 may take; a level at most {slowest:.0f} ms, "
            f"of {LEVEL_CHANGE_MS:g}."
        )
    return "\n".join([*lines, "", *notes]) + "\n"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--openings", type=int, default=5)
    parser.add_argument("--changes", type=int, default=5)
    parser.add_argument("--remark", default="", help="a last line, on what else ran meanwhile")
    options = parser.parse_args()
    text = report(options.sides, openings=options.openings, changes=options.changes, steps=100)
    RESULTS.mkdir(exist_ok=True)
    remark = f"\n{options.remark}\n" if options.remark else ""
    (RESULTS / "explorer.md").write_text(text + remark, encoding="utf-8")
    print(json.dumps(re.findall(r"^- (.*)", text, re.MULTILINE), indent=1))


if __name__ == "__main__":
    main()
