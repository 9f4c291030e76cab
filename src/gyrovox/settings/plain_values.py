"""A configuration as plain values, for files, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from gyrovox.errors import SettingsError
from gyrovox.settings.configuration import Configuration

# Settings that are younger than the first model files. A file without one gets its default.
_ADDED = {
    "model": ("posterior", "latent_side", "latent_spacing", "first_layer", "gyroplane_window"),
    "training": ("batches", "precision", "missing_wedge"),
    "segmentation": ("clustering", "evidence", "regions"),
}


def plain_values(configuration: Configuration) -> dict[str, object]:
    """The settings as values that JSON and YAML can hold.

    Args:
        configuration: The settings.

    Returns:
        Dictionaries of numbers, strings and lists.
    """
    values: dict[str, object] = json.loads(json.dumps(asdict(configuration)))
    return values


def from_plain_values(values: object) -> Configuration:
    """The settings that `plain_values` wrote, and nothing else.

    Args:
        values: All settings by name; none may be missing, unknown or of another type. Those that
            files of an earlier gyrovox cannot have may be missing; they get their defaults.

    Returns:
        The configuration.

    Raises:
        SettingsError: If these are not the values of a configuration.
    """
    # Imported here: the command line's help needs the settings, and not this.
    from pydantic import TypeAdapter, ValidationError

    try:
        configuration = TypeAdapter(Configuration).validate_python(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"])
        what = wrong["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}: {what}" if name else what) from error
    # Pydantic fills what is missing, drops what is unknown and turns "3" into 3.
    expected = plain_values(configuration)
    completed = _completed(values, expected)
    if completed != expected:
        first = _first(completed, expected)
        raise SettingsError(f"settings must all be there and no others: {first}")
    return configuration


def _completed(values: object, expected: Mapping[str, object]) -> object:
    """The values, with what their file is too old for."""
    if not isinstance(values, Mapping):
        return values
    completed = dict(values)
    for group, names in _ADDED.items():
        given, whole = values.get(group), expected[group]
        if isinstance(given, Mapping) and isinstance(whole, Mapping):
            completed[group] = {name: whole[name] for name in names} | dict(given)
    return completed


def _first(values: object, expected: object, at: str = "") -> str:
    """The first place where two nests of values differ, in words."""
    if not isinstance(values, Mapping) or not isinstance(expected, Mapping):
        return f"{at} must be {expected!r}, got {values!r}"
    for name in [*expected, *values]:
        inner = f"{at}.{name}" if at else str(name)
        if name not in expected:
            return f"{inner} is unknown"
        if name not in values:
            return f"{inner} is missing"
        if values[name] != expected[name]:
            return _first(values[name], expected[name], inner)
    return f"{at} holds the same values"
