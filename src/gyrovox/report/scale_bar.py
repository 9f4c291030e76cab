"""How long a scale bar is, and what it says."""

import math

_UNITS = (("m", 1e9), ("mm", 1e6), ("µm", 1e3), ("nm", 1.0), ("Å", 0.1))


def scale_bar(width: float, *, known: bool) -> tuple[float, str]:
    """A round length of about a quarter of a picture.

    Args:
        width: Width of the picture, in nm; in voxels where `known` is False.
        known: Whether the voxel size is known.

    Returns:
        Length in the same unit (1, 2 or 5 times a power of ten), and what it is called.
    """
    target = width * 0.3
    power = 10.0 ** math.floor(math.log10(target))
    length = max(step * power for step in (1, 2, 5) if step * power <= target * (1 + 1e-9))
    if known:
        return length, physical(length)
    return length, f"{length:g} voxel{'' if length == 1 else 's'}"


def unit_of(length_nm: float) -> tuple[str, float]:
    """The unit that a person gives a length in.

    Args:
        length_nm: The length, in nm.

    Returns:
        Its name, such as ``"µm"``, and how many nm it has.
    """
    for unit, nm in _UNITS:
        if length_nm >= nm * (1 - 1e-9):
            return unit, nm
    return _UNITS[-1]


def physical(length_nm: float) -> str:
    """A length as a person says it: ``"20 nm"``, ``"1.5 µm"``, ``"5 cm"`` is ``"50 mm"``."""
    for unit, nm in _UNITS:
        if length_nm >= nm * (1 - 1e-9):
            return f"{length_nm / nm:.4g} {unit}"
    return f"{length_nm / 0.1:.3g} Å"
