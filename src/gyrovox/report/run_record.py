"""What a run did, for whoever finds its results later: settings, versions, times, memory."""

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gyrovox.execution import peak_memory_bytes
from gyrovox.volumes import Volume

_LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn")


def write_run_record(
    path: Path,
    *,
    command: str,
    settings: Mapping[str, object],
    volumes: Sequence[Volume],
    timings_s: Mapping[str, float],
) -> None:
    """Write `run.json`: what was done with what, and what it took.

    Args:
        path: The file; written over.
        command: Name of the command, such as ``"segment"``.
        settings: Everything that can be chosen, seed included, as plain values.
        volumes: What it was done with.
        timings_s: Wall time of each stage, in seconds.
    """
    record = {
        "command": command,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **settings,
        "inputs": [_described(volume) for volume in volumes],
        "timings_s": {stage: round(seconds, 3) for stage, seconds in timings_s.items()},
        "peak_memory_mib": peak_memory_mib(),
        "versions": versions(),
        "platform": platform.platform(),
    }
    path.write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Versions of gyrovox, Python and the libraries that decide on the numbers.

    Returns:
        Versions by name.
    """
    found = {"python": platform.python_version()}
    for name in ("gyrovox", *_LIBRARIES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a folder of sources
            found[name] = "unknown"
    return found


def peak_memory_mib() -> dict[str, float]:
    """The most memory that this process has held so far.

    Returns:
        MiB by place: ``"ram"``, where the system tells it, and ``"cuda"``, where it was used.
    """
    peaks = {}
    if ram := peak_memory_bytes():
        peaks["ram"] = round(ram / 2**20, 1)
    if "torch" in sys.modules:  # a command without torch need not load it to say so
        import torch

        if torch.cuda.is_available() and (allocated := torch.cuda.max_memory_allocated()):
            peaks["cuda"] = round(allocated / 2**20, 1)
    return peaks


def _described(volume: Volume) -> dict[str, object]:
    return {
        "name": volume.name,
        "path": None if volume.path is None else str(volume.path),
        "shape": list(volume.shape),
        "axes": "channel z y x",
        "dtype": str(volume.dtype),
        "voxel_size_nm": None if volume.voxel_size_nm is None else list(volume.voxel_size_nm),
    }
