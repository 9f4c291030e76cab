"""What a detector is: the classes that it tells, the grid that it reads, its anchors and widths."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import final

from gyrovox.errors import SettingsError

# The membrane of a virion, 4 nm in 80, is then as thick as a voxel: it is still seen.
_VOXELS_OF_THE_SMALLEST = 20.0
_ANCHORS_A_LEVEL = 3  # an octave of sizes in three steps, as RetinaNet has it
_FIRST_ANCHOR = 0.65  # of the smallest diameter
_MOST_LEVELS = 3
_WIDEST_STAGE = 64


@final
@dataclass(frozen=True, kw_only=True)
class DetectorSettings:
    """What a detector is."""

    classes: tuple[str, ...] = ("virion",)
    """What it tells apart; everything else is background."""

    voxel_size_nm: float = 4.0
    """Side of the voxels that it reads; tomograms are resampled."""

    anchors_nm: tuple[tuple[float, ...], ...] = ((52.0, 65.5, 82.5), (104.0, 131.0, 165.0))
    """Diameters that it starts from, a level of the pyramid each: finest first."""

    stages: tuple[int, ...] = (16, 32, 64)
    """Channels of the backbone's stages, each of half the resolution of the one before."""

    pyramid_channels: int = 24
    """Channels of the feature pyramid and of the subnets that read it."""

    def __post_init__(self) -> None:
        """Refuse what no detector can be.

        Raises:
            SettingsError: If a value is out of its range.
        """
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise SettingsError(f"classes must be one or more different names, got {self.classes}.")
        for name in self.classes:
            if not name or name.split() != [name]:
                raise SettingsError(f"the name of a class must be one word, got {name!r}.")
        if not 0 < self.voxel_size_nm < math.inf:
            raise SettingsError(f"voxel_size_nm must be positive, got {self.voxel_size_nm:g}.")
        counts = {len(level) for level in self.anchors_nm}
        if len(counts) != 1 or 0 in counts or not all(map(_is_size, self._flat_anchors())):
            raise SettingsError(
                f"anchors_nm must hold as many positive diameters at every level, got "
                f"{self.anchors_nm}."
            )
        if not 1 <= len(self.anchors_nm) < len(self.stages):
            raise SettingsError(
                f"there must be more stages than levels of anchors, got {len(self.stages)} and "
                f"{len(self.anchors_nm)}."
            )
        if min(*self.stages, self.pyramid_channels) < 1:
            raise SettingsError("stages and pyramid_channels must be at least 1.")

    @classmethod
    def for_diameters(
        cls,
        diameters_nm: Sequence[float],
        *,
        classes: tuple[str, ...],
        voxel_size_nm: float | None = None,
    ) -> "DetectorSettings":
        """A detector for particles of given sizes: its grid and anchors scale with them.

        Args:
            diameters_nm: Diameters of the particles to be found, in nm.
            classes: What it tells apart.
            voxel_size_nm: Side of the voxels that it reads; by default a twentieth of the smallest
                diameter.

        Returns:
            Settings whose anchors reach from a little below the smallest diameter to above the
            largest.

        Raises:
            SettingsError: If there is no diameter, one is not positive, or the largest is more
                than 4 times the smallest.
        """
        if not diameters_nm or not all(map(_is_size, diameters_nm)):
            raise SettingsError("a detector needs the diameters of its particles, in nm.")
        smallest, largest = min(diameters_nm), max(diameters_nm)
        # The last anchor of so many levels is above the largest diameter.
        last = _FIRST_ANCHOR * 2 ** (-1 / _ANCHORS_A_LEVEL)
        levels = max(2, math.ceil(math.log2(largest / smallest / last)))
        if levels > _MOST_LEVELS:
            raise SettingsError(
                f"the largest particles of a detector must be at most 4 times as wide as the "
                f"smallest, got {largest:g} and {smallest:g} nm. Train a detector for each."
            )
        anchors = tuple(
            tuple(
                round(smallest * _FIRST_ANCHOR * 2 ** (level + step / _ANCHORS_A_LEVEL), 2)
                for step in range(_ANCHORS_A_LEVEL)
            )
            for level in range(levels)
        )
        return cls(
            classes=classes,
            voxel_size_nm=voxel_size_nm or smallest / _VOXELS_OF_THE_SMALLEST,
            anchors_nm=anchors,
            stages=tuple(min(16 * 2**stage, _WIDEST_STAGE) for stage in range(levels + 1)),
        )

    @property
    def strides(self) -> tuple[int, ...]:
        """Voxels from a cell to the next at each level of the pyramid, finest first."""
        deepest = len(self.stages)
        levels = len(self.anchors_nm)
        return tuple(2 ** (deepest - levels + level + 1) for level in range(levels))

    @property
    def anchors(self) -> tuple[tuple[float, ...], ...]:
        """Diameters of the anchors in voxels, by level."""
        return tuple(
            tuple(diameter / self.voxel_size_nm for diameter in level) for level in self.anchors_nm
        )

    def plain_values(self) -> dict[str, object]:
        """The settings as values that JSON can hold."""
        values: dict[str, object] = json.loads(json.dumps(asdict(self)))
        return values

    @classmethod
    def from_plain_values(cls, values: object) -> "DetectorSettings":
        """The settings that `plain_values` gave.

        Args:
            values: All settings by name.

        Returns:
            The settings.

        Raises:
            SettingsError: If these are not the values of a detector.
        """
        # Imported here: whoever only makes settings need not wait for it.
        from pydantic import TypeAdapter, ValidationError

        try:
            settings = TypeAdapter(cls).validate_python(values)
        except ValidationError as error:
            wrong = error.errors()[0]
            name = ".".join(str(part) for part in wrong["loc"])
            raise SettingsError(f"{name}: {wrong['msg'].removeprefix('Value error, ')}") from error
        if settings.plain_values() != values:
            raise SettingsError(f"a detector's settings must be all of them, got {values}.")
        return settings

    def _flat_anchors(self) -> list[float]:
        return [diameter for level in self.anchors_nm for diameter in level]


def _is_size(value: float) -> bool:
    return 0 < value < math.inf
