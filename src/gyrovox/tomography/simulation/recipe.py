"""What is simulated: what a specimen holds, and how it is imaged."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

from gyrovox.errors import SettingsError

from ..ctf import Optics

SPIKE_HEIGHT_NM = 20.0
"""How far a spike reaches beyond the membrane that it stands on."""

LARGEST_TILT = 85.0
"""Degrees beyond which a slab of ice is too thick to be seen through."""


@final
@dataclass(frozen=True, kw_only=True)
class SpecimenRecipe:
    """What a specimen holds.

    Virions are placed or refused. Of everything else, as much is placed as there is room for;
    what was is in the table of particles.

    Args:
        shape: Voxels (z, y, x).
        voxel_size_nm: Side of a voxel.
        virions: How many there are.
        virion_diameter_nm: Smallest and largest one, to the outside of the membrane.
        asphericity: Standard deviation of a virion's radius over directions, relative to it.
        spikes_per_virion: Mean number of spikes.
        spike_density_per_nm2: Spikes per area of the membrane instead of per virion; None: not.
        spike_spread: Standard deviation of the number of spikes, relative to it.
        spike_spacing_nm: Least distance of two spikes' feet.
        spike_tilt_degrees: Standard deviation of a spike's lean along each of two axes.
        lumps_per_virion: Lumps of nucleoprotein inside.
        vesicles: Vesicles without spikes.
        vesicle_diameter_nm: Smallest and largest one; every second one is drawn from the sizes
            that virions have too, where the ranges share some.
        cargo_per_vesicle: Lumps inside a vesicle.
        microtubules: Microtubules that cross the volume.
        membranes: Flat or curved membranes that cross it.
        ribosomes: Ribosomes.
        shells: Hollow shells like apoferritin.
        gold: Gold beads.
        gold_diameter_nm: Their diameter.
        crowding: Small proteins, from 0 for none up to 1 for as dense as cytosol.
        templates: Folder with density maps to take shapes from; None: analytic ones.

    Raises:
        SettingsError: If one is out of its range, or a virion cannot fit into the volume.
    """

    shape: tuple[int, int, int] = (128, 256, 256)
    voxel_size_nm: float = 1.5
    virions: int = 3
    virion_diameter_nm: tuple[float, float] = (80.0, 120.0)
    asphericity: float = 0.03
    spikes_per_virion: float = 25.0
    spike_density_per_nm2: float | None = None
    spike_spread: float = 0.2
    spike_spacing_nm: float = 15.0
    spike_tilt_degrees: float = 6.0
    lumps_per_virion: int = 25
    vesicles: int = 4
    vesicle_diameter_nm: tuple[float, float] = (40.0, 110.0)
    cargo_per_vesicle: int = 4
    microtubules: int = 1
    membranes: int = 1
    ribosomes: int = 8
    shells: int = 8
    gold: int = 8
    gold_diameter_nm: float = 10.0
    crowding: float = 0.2
    templates: Path | None = None

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 8:
            raise SettingsError(f"shape (z, y, x) must be at least 8 voxels, got {self.shape}.")
        _check_positive("voxel_size_nm", self.voxel_size_nm)
        _check_positive("spike_spacing_nm", self.spike_spacing_nm)
        _check_positive("gold_diameter_nm", self.gold_diameter_nm)
        for name, count in self._counts().items():
            if not (math.isfinite(count) and count >= 0):
                raise SettingsError(f"{name} must not be negative, got {count}.")
        if not 0 <= self.crowding <= 1:
            raise SettingsError(f"crowding must be between 0 and 1, got {self.crowding}.")
        if not 0 <= self.asphericity <= 0.1:
            raise SettingsError(f"asphericity must be between 0 and 0.1, got {self.asphericity}.")
        _check_range("virion_diameter_nm", self.virion_diameter_nm)
        _check_range("vesicle_diameter_nm", self.vesicle_diameter_nm)
        room = min(self.shape) * self.voxel_size_nm
        if self.virions and self.virion_diameter_nm[1] + 2 * SPIKE_HEIGHT_NM > room:
            raise SettingsError(
                f"a virion of {self.virion_diameter_nm[1]:g} nm with spikes of "
                f"{SPIKE_HEIGHT_NM:g} nm must fit into the volume, whose shortest side is "
                f"{room:g} nm. Enlarge the shape or the voxels, or lower virion_diameter_nm."
            )

    @property
    def size_nm(self) -> tuple[float, float, float]:
        """Sides of the volume (z, y, x)."""
        z, y, x = (samples * self.voxel_size_nm for samples in self.shape)
        return z, y, x

    def _counts(self) -> dict[str, float]:
        return {
            "virions": self.virions,
            "spikes_per_virion": self.spikes_per_virion,
            "spike_density_per_nm2": self.spike_density_per_nm2 or 0.0,
            "spike_spread": self.spike_spread,
            "spike_tilt_degrees": self.spike_tilt_degrees,
            "lumps_per_virion": self.lumps_per_virion,
            "vesicles": self.vesicles,
            "cargo_per_vesicle": self.cargo_per_vesicle,
            "microtubules": self.microtubules,
            "membranes": self.membranes,
            "ribosomes": self.ribosomes,
            "shells": self.shells,
            "gold": self.gold,
        }


@final
@dataclass(frozen=True, kw_only=True)
class ImagingRecipe:
    """How a specimen is imaged.

    Args:
        tilt_range_degrees: First and last tilt.
        tilt_step_degrees: Step between two tilts.
        scheme: Order in which images are taken: outwards from tilt 0 on both sides in turn, in
            groups of two, or from the first tilt to the last.
        dose: Electrons per Å² that the specimen takes in all.
        defocus_nm: Nominal underfocus.
        defocus_jitter_nm: Standard deviation of each image's underfocus around it.
        astigmatism_nm: Largest underfocus of an image less its smallest.
        astigmatism_degrees: Where it is largest: angle from u towards v.
        optics: The microscope.
        mean_free_path_nm: Way after which 1/e of the electrons have lost no energy in ice.
        energy_filter: Whether the others are taken away; if not, they lie blurred on the image.
        inelastic_blur_nm: Standard deviation of that blur.
        blur_nm2: B-factor of an image at tilt 0; it grows with the way through the ice.
        damage: Whether exposure takes away contrast, fine detail first.
        noise: Whether electrons are counted one by one; if not, images are mean counts.
        detective_efficiency: DQE at frequency 0 and at Nyquist's.
        transfer_at_nyquist: MTF of the detector at Nyquist's frequency.
        axis_degrees: Nominal in-plane angle of the tilt axis.
        axis_error_degrees: Standard deviation of each image's angle around it.
        tilt_error_degrees: Standard deviation of each image's tilt around its nominal one.
        shift_nm: Standard deviation of each image's shift along each axis.

    Raises:
        SettingsError: If one is out of its range.
    """

    tilt_range_degrees: tuple[float, float] = (-60.0, 60.0)
    tilt_step_degrees: float = 3.0
    scheme: Literal["dose-symmetric", "one-way"] = "dose-symmetric"
    dose: float = 120.0
    defocus_nm: float = 3500.0
    defocus_jitter_nm: float = 100.0
    astigmatism_nm: float = 0.0
    astigmatism_degrees: float = 0.0
    optics: Optics = field(default_factory=Optics)
    mean_free_path_nm: float = 310.0
    energy_filter: bool = True
    inelastic_blur_nm: float = 3.0
    blur_nm2: float = 4.0
    damage: bool = True
    noise: bool = True
    detective_efficiency: tuple[float, float] = (0.9, 0.5)
    transfer_at_nyquist: float = 0.7
    axis_degrees: float = 3.0
    axis_error_degrees: float = 0.3
    tilt_error_degrees: float = 0.05
    shift_nm: float = 5.0

    def __post_init__(self) -> None:
        first, last = self.tilt_range_degrees
        if not -LARGEST_TILT <= first < last <= LARGEST_TILT:
            raise SettingsError(
                f"tilt_range_degrees must rise between -{LARGEST_TILT:g} and {LARGEST_TILT:g}, "
                f"got {self.tilt_range_degrees}."
            )
        for name, value in {
            "tilt_step_degrees": self.tilt_step_degrees,
            "dose": self.dose,
            "mean_free_path_nm": self.mean_free_path_nm,
            "transfer_at_nyquist": self.transfer_at_nyquist,
        }.items():
            _check_positive(name, value)
        for name, value in {
            "defocus_nm": self.defocus_nm,
            "defocus_jitter_nm": self.defocus_jitter_nm,
            "astigmatism_nm": self.astigmatism_nm,
            "inelastic_blur_nm": self.inelastic_blur_nm,
            "blur_nm2": self.blur_nm2,
            "axis_error_degrees": self.axis_error_degrees,
            "tilt_error_degrees": self.tilt_error_degrees,
            "shift_nm": self.shift_nm,
        }.items():
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError(f"{name} must not be negative, got {value}.")
        low, high = self.detective_efficiency[1], self.detective_efficiency[0]
        if not 0 < low <= high <= 1:
            raise SettingsError(
                f"detective_efficiency must fall within 1 to 0 from frequency 0 to Nyquist's, "
                f"got {self.detective_efficiency}."
            )
        if self.transfer_at_nyquist > 1:
            raise SettingsError(
                f"transfer_at_nyquist must be at most 1, got {self.transfer_at_nyquist}."
            )


def _check_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise SettingsError(f"{name} must be above 0, got {value}.")


def _check_range(name: str, bounds: tuple[float, float]) -> None:
    if not 20 <= bounds[0] <= bounds[1] < math.inf:
        raise SettingsError(f"{name} must be a range from 20 nm on, got {bounds}.")
