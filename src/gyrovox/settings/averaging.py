"""How sub-volumes are aligned and averaged."""

import math
import re
from dataclasses import dataclass
from typing import Annotated, final

from tyro.conf import arg

from gyrovox.errors import SettingsError

_SYMMETRY = re.compile(r"C([1-9][0-9]?)")


@final
@dataclass(frozen=True, kw_only=True)
class AveragingRecipe:
    """How sub-volumes are aligned and averaged."""

    box_nm: float = 30.0
    """Side of the sub-volumes."""

    mask_nm: float | None = None
    """Diameter of the soft ball around the centre that is looked at: what lies farther out, such as
    the membrane, neither aligns nor counts. By default 0.8 of the box."""

    symmetry: Annotated[str, arg(metavar="CN")] = "C1"
    """C1 for none, C3 for three-fold about the reference's z, and so on."""

    iterations: int = 6
    """How often all particles are aligned."""

    initial_resolution_nm: float = 5.0
    """What the first reference is low-passed to. Both halves begin with it, so that what they share
    at coarser waves proves nothing."""

    search_spin: bool = True
    """Look all around the axis for each particle's turn at first, as where only the membrane's
    normal is known."""

    lean_degrees: float = 20.0
    """How far from a particle's axis the first alignment looks."""

    shift_nm: float = 3.0
    """How far from a particle's place an alignment looks."""

    first_step_degrees: float = 15.0
    """Step of the angles in the first alignment; each later one halves it."""

    last_step_degrees: float = 3.0
    """Smallest step of the angles."""

    tilt_range: Annotated[tuple[float, float] | None, arg(metavar="FIRST LAST")] = (-60.0, 60.0)
    """First and last tilt about y, in degrees; None where there is no missing wedge."""

    seed: int = 0
    """Draws the halves, and the particles that a first reference grows from."""

    def __post_init__(self) -> None:
        """Refuse values that no averaging can use.

        Raises:
            SettingsError: If a value is out of its range.
        """
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
        low, high = (-90.0, 90.0) if self.tilt_range is None else self.tilt_range
        if not -90 <= low < high <= 90:
            raise SettingsError(
                f"tilt_range must grow and lie between -90 and 90 degrees, got {low:g} {high:g}."
            )

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
