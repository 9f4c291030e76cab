"""Checkpoints: a training run on disk, whole at every moment, from which it goes on exactly.

A checkpoint is a safetensors file; nothing in it can be run by loading it.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gyrovox.errors import CheckpointError, RunMismatchError
from gyrovox.execution.piece_file import written_piece
from gyrovox.models import HyperbolicVAE
from gyrovox.settings import TrainingSettings

_KEY = "gyrovox-checkpoint"
_VERSION = 1

Facts = Mapping[str, object]
"""What a run is made of, as plain values that JSON can hold."""


def run_facts(
    vae: HyperbolicVAE,
    volumes: Sequence[Float[Tensor, "... channels _z _y _x"]],
    settings: TrainingSettings,
    *,
    seed: int,
) -> Facts:
    """What a run is made of: two runs with the same facts take the same steps.

    Args:
        vae: The model.
        volumes: What is learned from, shape ``(channels, z, y, x)`` each, or
            ``(boxes, channels, z, y, x)``.
        settings: How it learns.
        seed: Seed of the run.

    Returns:
        Settings, seed, kind of device, and shape and checksum of every volume.
    """
    facts = {
        "model": asdict(vae.settings),
        "training": asdict(settings),
        "seed": seed,
        "device": volumes[0].device.type,
        "volumes": [
            {"shape": list(one.shape), "checksum": _checksum([one.cpu()])} for one in volumes
        ],
    }
    plain: Facts = json.loads(json.dumps(facts))
    return plain


def write_checkpoint(path: Path, arrays: Mapping[str, Tensor], facts: Facts) -> None:
    """Write a checkpoint, which takes the place of an earlier one in one move.

    Args:
        path: Where to; an earlier checkpoint is replaced.
        arrays: The state of the run by name, on the CPU.
        facts: What the run is made of.

    Raises:
        OutputSpaceError: If there is no room for it; the earlier checkpoint stays.
        FileAccessError: If this user may not write there.
    """
    names = sorted(arrays)
    about = {
        "version": _VERSION,
        "checksum": _checksum([arrays[name] for name in names]),
        "facts": facts,
    }
    content = save({name: arrays[name] for name in names}, metadata={_KEY: json.dumps(about)})
    with written_piece(path) as beside:
        beside.write_bytes(content)


def read_checkpoint(path: Path, facts: Facts) -> dict[str, Tensor] | None:
    """Read what `write_checkpoint` wrote for the same run.

    Args:
        path: A checkpoint.
        facts: What this run is made of.

    Returns:
        The state of the run by name; None where there is no such file.

    Raises:
        CheckpointError: If the file is no checkpoint, or is damaged.
        RunMismatchError: If it is the checkpoint of another run.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stored:
            about = json.loads((stored.metadata() or {}).get(_KEY, "{}"))
            arrays = {name: stored.get_tensor(name) for name in sorted(stored.keys())}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(_damaged(path, str(error))) from error
    if about.get("version") != _VERSION:
        raise CheckpointError(
            f"a checkpoint must be of version {_VERSION}, and {path} is of version "
            f"{about.get('version')}. Use the gyrovox that wrote it, or pass --overwrite to train "
            f"anew."
        )
    if about["checksum"] != _checksum(list(arrays.values())):
        raise CheckpointError(_damaged(path, "its checksum is another one"))
    difference = _difference(about["facts"], facts)
    if difference:
        raise RunMismatchError(
            f"training can go on only as it began, and in the checkpoint {path} {difference}. "
            f"Give the same command as then, choose another -o, or pass --overwrite to train anew."
        )
    return arrays


def _damaged(path: Path, what: str) -> str:
    return (
        f"a checkpoint must be a file that gyrovox wrote, and {path} cannot be read: {what}. "
        f"Pass --overwrite to train anew."
    )


def _checksum(arrays: Sequence[Tensor]) -> int:
    """CRC-32 of the bytes of tensors on the CPU."""
    checksum = 0
    for array in arrays:
        flat = array.contiguous().flatten().view(torch.uint8)
        checksum = zlib.crc32(flat.numpy().data, checksum)
    return checksum


def _difference(stored: object, wanted: object, at: str = "") -> str:
    """The first difference between two nests of plain values in words; nothing if there is none."""
    if stored == wanted:
        return ""
    if isinstance(stored, Mapping) and isinstance(wanted, Mapping):
        for name in [*wanted, *stored]:
            inner = f"{at}.{name}" if at else str(name)
            found = _difference(stored.get(name), wanted.get(name), inner)
            if found:
                return found
    if at == "volumes":
        return "the volumes were others"
    return f"{at} is {stored!r}, and {wanted!r} came"
