"""What files call their units of length, in nanometres."""

import math
from collections.abc import Iterable

# Names are compared in lower case; ImageJ escapes µ, and writes å and Å as "A" or "angstrom".
_NM = {
    "m": 1e9, "meter": 1e9, "metre": 1e9,
    "cm": 1e7, "centimeter": 1e7, "centimetre": 1e7,
    "mm": 1e6, "millimeter": 1e6, "millimetre": 1e6,
    "um": 1e3, "µm": 1e3, "μm": 1e3, "\\u00b5m": 1e3, "micron": 1e3, "microns": 1e3,
    "micrometer": 1e3, "micrometre": 1e3,
    "nm": 1.0, "nanometer": 1.0, "nanometre": 1.0, "nanometers": 1.0, "nanometres": 1.0,
    "a": 0.1, "å": 0.1, "\\u00c5".lower(): 0.1, "angstrom": 0.1, "ångström": 0.1,
    "pm": 1e-3, "picometer": 1e-3, "picometre": 1e-3,
    "inch": 2.54e7, "in": 2.54e7,
}  # fmt: skip


def nm_per(unit: str | None) -> float | None:
    """How many nm one unit is; None for pixels, and for names that say no length."""
    return None if unit is None else _NM.get(unit.strip().lower())


def telling_unit(lengths_nm: tuple[float, ...]) -> str:
    """Of "nm", "um" and "mm" the one that gives these lengths in few digits."""
    middle = math.exp(sum(math.log(length) for length in lengths_nm) / len(lengths_nm))
    if middle < 100.0:
        return "nm"
    return "um" if middle < 1e5 else "mm"


def rounded_lengths(lengths: Iterable[float]) -> tuple[float, float, float]:
    """Three lengths to 7 digits: what float32 keeps of 1.052 is 1.0519999, and 1.052 is meant."""
    z, y, x = (float(f"{length:.7g}") for length in lengths)
    return z, y, x
