"""Settings from a YAML file: only names that exist, only values of the right type."""

import dataclasses
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from gyrovox.errors import MissingFileError, SettingsError
from gyrovox.settings import Configuration


def read_configuration(path: Path, start: Configuration) -> Configuration:
    """The settings `start` with those of a file in their place.

    Args:
        path: YAML with the names of the settings under `model:`, `training:` and
            `segmentation:`.
        start: Settings that the file does not name.

    Returns:
        The settings.

    Raises:
        MissingFileError: If there is no such file.
        SettingsError: If it is not YAML, or names a setting that does not exist, or gives one a
            value that it cannot have.
    """
    # Imported here: no command but the one with --config needs them.
    import yaml  # type: ignore[import-untyped]
    from pydantic import TypeAdapter, ValidationError

    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingFileError(f"--config must name a YAML file, and {path} is none.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} must be a YAML text in UTF-8, and is not.") from error
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} must be YAML: {_one_line(error)}.") from error
    known = dataclasses.asdict(start)
    merged = _merged(known, {} if given is None else given, path)
    try:
        return TypeAdapter(Configuration).validate_python(merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        if first["type"] == "value_error":  # from the settings themselves: a whole sentence
            raise SettingsError(f"{path}: {what}") from error
        raise SettingsError(f"{path}: {name}: {what}, got {first['input']!r}.") from error


def _merged(
    known: Mapping[str, object], given: object, path: Path, at: str = ""
) -> dict[str, object]:
    """`known` with the values of `given` in their place; every name of `given` must be known.

    Raises:
        SettingsError: If a name is not known, or what should be names is a value.
    """
    if not isinstance(given, Mapping):
        groups = "must hold `model:`, `training:` or `segmentation:`"
        where = f"{at} must hold settings by name" if at else groups
        raise SettingsError(f"{path}: {where}, got {given!r}.")
    merged = dict(known)
    for name, value in given.items():
        full = f"{at}.{name}" if at else str(name)
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"It may be {', '.join(known)}."
            raise SettingsError(f"{path}: no setting is called {full}. {hint}")
        inner = known[name]
        merged[name] = _merged(inner, value, path, full) if isinstance(inner, Mapping) else value
    return merged


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
