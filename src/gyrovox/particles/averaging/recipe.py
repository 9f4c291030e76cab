"""How sub-volumes are aligned and averaged."""

import math
import re
from dataclasses import dataclass
from typing import final

from gyrovox.errors import SettingsError
from gyrovox.patches.tilt_wedge import TiltRange, check_tilt_range

_SYMMETRY = re.compile(r"C([1-9][0-9]?)")


@final
@dataclass(frozen=True, kw_only=True)
class AveragingRecipe:
    """How sub-volumes are aligned and averaged.

    Args:
        box_nm: Side of the sub-volumes.
        mask_nm: Diameter of the soft ball around the centre that is looked at; what lies farther
            out, such as the membrane, neither aligns nor counts. None: 0.8 of the box.
        symmetry: ``"C1"`` for none, ``"C3"`` for three-fold about the reference's z, and so on.
        iterations: How often all particles are aligned.
        initial_resolution_nm: What the first reference is low-passed to. Both halves begin with
            it, so that nothing coarser than this counts as agreement of theirs.
        spin: Whether the first alignment looks for the turn about z all around, as where particles
            only know the membrane's normal.
        lean_degrees: How far the first alignments look from a particle's axis.
        shift_nm: How far they look from its place.
        first_step_degrees: Step of the angles in the first alignment; each later one halves it.
        last_step_degrees: Smallest step.
        tilt_range: First and last tilt about y, in degrees; None without a missing wedge.
        seed: Draws the halves, and the particles that a reference grows from.

    Raises:
        SettingsError: If one is out of its range.
    """

    box_nm: float = 30.0
    mask_nm: float | None = None
    symmetry: str = "C1"
    iterations: int = 6
    initial_resolution_nm: float = 5.0
    spin: bool = True
    lean_degrees: float = 20.0
    shift_nm: float = 3.0
    first_step_degrees: float = 15.0
    last_step_degrees: float = 3.0
    tilt_range: TiltRange | None = (-60.0, 60.0)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in (
            ("box_nm", self.box_nm),
            ("mask_nm", 1.0 if self.mask_nm is None else self.mask_nm),
            ("initial_resolution_nm", self.initial_resolution_nm),
            ("first_step_degrees", self.first_step_degrees),
            ("last_step_degrees", self.last_step_degrees),
        ):
            if not 0 < value < math.inf:
                raise SettingsError(f"{name} must be above 0, got {value:g}.")
        for name, value in (("lean_degrees", self.lean_degrees), ("shift_nm", self.shift_nm)):
            if not 0 <= value < math.inf:
                raise SettingsError(f"{name} must not be negative, got {value:g}.")
        if self.iterations < 1:
            raise SettingsError(f"iterations must be at least 1, got {self.iterations}.")
        if self.seed < 0:
            raise SettingsError(f"seed must not be negative, got {self.seed}.")
        if _SYMMETRY.fullmatch(self.symmetry) is None:
            raise SettingsError(
                f"symmetry must be C1 to C99, turns about the reference's z, got {self.symmetry!r}."
            )
        if self.tilt_range is not None:
            check_tilt_range(self.tilt_range)

    @property
    def fold(self) -> int:
        """Number of turns that leave the particle as it is."""
        return int(self.symmetry[1:])

    def box(self, voxel_size_nm: float) -> int:
        """Side of the sub-volumes in voxels, an even number."""
        return 2 * math.ceil(self.box_nm / voxel_size_nm / 2)

    def mask_radius(self, voxel_size_nm: float) -> float:
        """Radius of what is looked at, in voxels."""
        diameter = 0.8 * self.box_nm if self.mask_nm is None else self.mask_nm
        return diameter / 2 / voxel_size_nm

    def step_degrees(self, iteration: int) -> float:
        """Step of the angles in an alignment, counted from 0."""
        return max(self.last_step_degrees, math.ldexp(self.first_step_degrees, -iteration))
