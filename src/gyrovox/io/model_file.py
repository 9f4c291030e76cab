"""Model files: safetensors, with what the numbers mean as JSON in the metadata.

Nothing in such a file can be run by loading it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from gyrovox.errors import FileAccessError, MissingFileError, ModelFileError
from gyrovox.io.atomic import written_whole

_KEY = "gyrovox"
_VERSION = 1


def write_model(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[np.generic]],
    facts: Mapping[str, object],
) -> None:
    """Write a model, beside and then renamed into place.

    Args:
        path: Where to; an existing file is replaced.
        arrays: The network's parameters by name.
        facts: What they mean, as plain values that JSON can hold.
    """
    # A metadata of str to str is all that safetensors allows.
    metadata = {_KEY: json.dumps({"version": _VERSION, **facts})}
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with written_whole(Path(path), overwrite=True, suffix=".safetensors") as beside:
        # Not save_file, which writes files that only their owner can read, whatever the umask.
        beside.write_bytes(save(contiguous, metadata=metadata))


def read_model(
    path: str | os.PathLike[str],
) -> tuple[dict[str, NDArray[np.generic]], dict[str, object]]:
    """Read what `write_model` wrote.

    Args:
        path: A model file.

    Returns:
        The parameters by name, and what they mean.

    Raises:
        MissingFileError: If there is no such file.
        FileAccessError: If it may not be read.
        ModelFileError: If it is no model file of gyrovox, or of a later version.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(
            f"a model must be a .safetensors file written by gyrovox, and {source} is no file."
        )
    # safetensors says of such a file that it is not there.
    if not os.access(source, os.R_OK):
        raise FileAccessError(f"the model {source} may not be read by this user.")
    try:
        with safe_open(source, framework="numpy") as stored:
            text = (stored.metadata() or {}).get(_KEY)
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    # A TypeError comes of types that NumPy does not have, such as bfloat16.
    except (SafetensorError, OSError, TypeError) as error:
        raise ModelFileError(
            f"a model must be a .safetensors file, and {source} cannot be read as one: {error}. "
            f"It may have been cut short; copy it again, or train anew."
        ) from error
    if text is None:
        raise ModelFileError(
            f"a model file must carry gyrovox's configuration, and {source} has none. "
            f"Pass a file written by `gyrovox train` or HierarchicalSegmenter.save."
        )
    return arrays, _checked(text, source)


def _checked(text: str, source: Path) -> dict[str, object]:
    """The metadata as values.

    Raises:
        ModelFileError: If it is no JSON object, or of another version.
    """
    try:
        facts = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ModelFileError(f"the configuration in {source} must be JSON, and is not.") from error
    if not isinstance(facts, dict) or facts.get("version") != _VERSION:
        found = facts.get("version") if isinstance(facts, dict) else None
        raise ModelFileError(
            f"a model file must be of version {_VERSION}, and {source} is of version {found}. "
            f"Use the gyrovox that wrote it, or train anew."
        )
    return facts
