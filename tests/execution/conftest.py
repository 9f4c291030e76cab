"""What tests of processes ask for: whether one lives, and a wait that ends."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def alive(process_id: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    status = Path(f"/proc/{process_id}/stat")
    if Path("/proc/self/stat").exists():
        try:
            return status.read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait for something that is bound to come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)


@pytest.fixture(name="alive", scope="session")
def _alive() -> Callable[[int], bool]:
    return alive


@pytest.fixture(name="until", scope="session")
def _until() -> Callable[..., None]:
    return until


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may mount no small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)
