"""What is known of spikes before they are looked for."""

import math
from dataclasses import dataclass
from typing import Literal, final

from gyrovox.errors import SettingsError

MEMBRANE_NM = 5.0
"""Thickness of a bilayer."""


@final
@dataclass(frozen=True, kw_only=True)
class SpikeSettings:
    """What spikes of a virion are like, and how sure one wants to be of their number."""

    height_nm: float = 20.0
    """How far a spike reaches beyond the outside of the membrane, in nm."""

    spacing_nm: float = 12.0
    """Least distance of two spikes, in nm, at half their height."""

    smallest_nm3: float = 30.0
    """Spikes of a smaller volume, in nm³, are taken for noise."""

    largest_nm3: float = 10000.0
    """Pieces of a larger volume, in nm³, are no spikes."""

    diameter_nm: float = 100.0
    """Diameter of the virions, in nm, where the file of particles does not say it."""

    contrast: Literal["dark", "bright"] = "dark"
    """Grey value of dense matter in the tomogram."""

    working_voxel_nm: float = 3.0
    """Side of the voxels that are learned from, in nm: a spike should be a few of them wide, for
    in smaller ones there is more noise than spike. Finer tomograms are averaged down to it."""

    confidence: float = 0.9
    """How often the interval of a count should hold the number of spikes."""

    def __post_init__(self) -> None:
        """Refuse what no spike can be.

        Raises:
            SettingsError: If a length or volume is not positive, the largest volume is below the
                smallest, or the confidence is not between 0 and 1.
        """
        lengths = {
            "height_nm": self.height_nm,
            "spacing_nm": self.spacing_nm,
            "diameter_nm": self.diameter_nm,
            "working_voxel_nm": self.working_voxel_nm,
        }
        for name, length in lengths.items():
            if not 0 < length < math.inf:
                raise SettingsError(f"{name} must be a length above 0 nm, got {length:g}.")
        if not 0 <= self.smallest_nm3 < self.largest_nm3 < math.inf:
            raise SettingsError(
                f"smallest_nm3 must be 0 or more and below largest_nm3, got "
                f"{self.smallest_nm3:g} and {self.largest_nm3:g}."
            )
        if not 0 < self.confidence < 1:
            raise SettingsError(
                f"confidence must be between 0 and 1, such as 0.9, got {self.confidence:g}."
            )

    @property
    def lowest_nm(self) -> float:
        """Height over the middle of the membrane where spikes are looked for, in nm."""
        # The blurred membrane is as dense as a spike; a nanometre or two must lie between.
        return MEMBRANE_NM / 2 + 3.5

    @property
    def highest_nm(self) -> float:
        """Height over the middle of the membrane up to which they are looked for, in nm."""
        return max(MEMBRANE_NM / 2 + self.height_nm, self.lowest_nm + 2.0)

    @property
    def centre_nm(self) -> float:
        """Height over the middle of the membrane where a spike's centre is, in nm."""
        return (MEMBRANE_NM + self.height_nm) / 2

    @property
    def decoy_nm(self) -> tuple[float, float]:
        """The same shell farther out, where no spikes are, (lowest, highest) in nm."""
        lowest = self.highest_nm + 6.0
        return lowest, lowest + self.highest_nm - self.lowest_nm

    @property
    def reach_nm(self) -> float:
        """Height over the middle of the membrane up to which a virion is cut out, in nm."""
        return self.decoy_nm[1] + self.working_voxel_nm
