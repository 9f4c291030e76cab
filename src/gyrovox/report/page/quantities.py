"""Numbers as a person reads them."""

from collections.abc import Sequence

_VOLUMES = (("cm³", 1e21), ("mm³", 1e18), ("µm³", 1e9), ("nm³", 1.0))


def volume_text(nm3: float) -> str:
    """A volume: ``"512 nm³"``, ``"1.5 µm³"``, ``"0.004 nm³"``.

    Args:
        nm3: Volume in nm³.

    Returns:
        Three digits and a unit.
    """
    for unit, size in _VOLUMES:
        if nm3 >= size * (1 - 1e-9):
            return f"{_digits(nm3 / size)} {unit}"
    return f"{nm3:.3g} nm³"


def _digits(value: float) -> str:
    """Three digits, without an exponent: ``"1.5"``, ``"12,300,000"``."""
    return f"{round(value):,}" if value >= 999.5 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share: ``"12.3 %"``, ``"< 0.1 %"``, ``"none"``.

    Args:
        share: 0 to 1.

    Returns:
        Per cent.
    """
    if share <= 0:
        return "none"
    return f"{100 * share:.1f} %" if share >= 1e-3 else "< 0.1 %"


def listed(words: Sequence[str]) -> str:
    """Words as an enumeration: ``"2, 4 and 8"``.

    Args:
        words: At least one.

    Returns:
        All of them in one.
    """
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def counted(count: int, noun: str) -> str:
    """A number of things: ``"1 voxel"``, ``"1,200 voxels"``.

    Args:
        count: How many.
        noun: What, in the singular.

    Returns:
        Both.
    """
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
