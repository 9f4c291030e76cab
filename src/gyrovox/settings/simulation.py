"""Settings of simulated tomograms: what a specimen holds, and how it is imaged."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gyrovox.errors import SettingsError

SPIKE_HEIGHT_NM = 20.0
"""How far a spike reaches beyond the membrane that it stands on."""

LARGEST_TILT = 85.0
"""Degrees beyond which ice is too thick to be seen through."""

_PLANCK = 6.62607015e-34  # J s
_ELECTRON_MASS = 9.1093837015e-31  # kg
_ELEMENTARY_CHARGE = 1.602176634e-19  # C
_LIGHT = 299_792_458.0  # m / s
_REST_ENERGY = _ELECTRON_MASS * _LIGHT**2  # J

TiltScheme = Literal["dose-symmetric", "one-way"]


@dataclass(frozen=True, kw_only=True)
class SpecimenRecipe:
    """What a specimen holds.

    Virions are placed or refused. Of everything else, as much is placed as there is room for; the
    table of particles says what.
    """

    shape: tuple[int, int, int] = (128, 256, 256)
    """Voxels (z y x)."""

    voxel_size_nm: float = 1.5
    """Side of a voxel."""

    virions: int = 3
    """Number of virions."""

    virion_diameter_nm: tuple[float, float] = (80.0, 120.0)
    """Smallest and largest virion, to the outside of its membrane."""

    asphericity: float = 0.03
    """Standard deviation of the radius of a virion or vesicle over directions, relative to it."""

    spikes_per_virion: float = 25.0
    """Mean number of spikes on a virion."""

    spike_density_per_nm2: float | None = None
    """Mean number of spikes by area of the membrane, instead of by virion."""

    spike_spread: float = 0.2
    """Standard deviation of that number between virions, relative to it."""

    spike_spacing_nm: float = 15.0
    """Least distance between the feet of two spikes."""

    spike_tilt_degrees: float = 6.0
    """Standard deviation of a spike's lean, along each of two axes."""

    lumps_per_virion: int = 25
    """Lumps of nucleoprotein inside a virion."""

    vesicles: int = 4
    """Vesicles, which have no spikes."""

    vesicle_diameter_nm: tuple[float, float] = (40.0, 110.0)
    """Smallest and largest vesicle; every second one as large as a virion, if allowed."""

    cargo_per_vesicle: int = 4
    """Lumps inside a vesicle."""

    microtubules: int = 1
    """Microtubules that cross the volume."""

    membranes: int = 1
    """Flat or curved membranes that cross it."""

    ribosomes: int = 8
    """Number of ribosomes."""

    shells: int = 8
    """Hollow shells like apoferritin."""

    gold: int = 8
    """Number of gold beads."""

    gold_diameter_nm: float = 10.0
    """Diameter of a gold bead."""

    crowding: float = 0.2
    """Small proteins: 0 is none, 1 as dense as cytosol."""

    templates: Path | None = None
    """Folder of density maps to take shapes from; without it they are analytic."""

    def __post_init__(self) -> None:
        """Refuse what no specimen can be.

        Raises:
            SettingsError: If a value is out of its range, or a virion cannot fit into the volume.
        """
        if min(self.shape) < 8:
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
        for name, (smallest, largest) in {
            "virion_diameter_nm": self.virion_diameter_nm,
            "vesicle_diameter_nm": self.vesicle_diameter_nm,
        }.items():
            if not 30 <= smallest <= largest < math.inf:
                raise SettingsError(
                    f"{name} must be a smallest and a largest one, from 30 nm on, got "
                    f"{(smallest, largest)}."
                )
        room = (min(self.shape) - 1) * self.voxel_size_nm
        # No radius is more than sqrt(5) standard deviations above the mean: round_surface.py.
        width = self.virion_diameter_nm[1] * (1 + math.sqrt(5) * self.asphericity)
        if self.virions and width + 2 * SPIKE_HEIGHT_NM > room:
            raise SettingsError(
                f"a virion of {width:.0f} nm with spikes of {SPIKE_HEIGHT_NM:g} nm must fit into "
                f"the volume, whose shortest side is {room:g} nm from centre to centre of its "
                f"voxels. Enlarge the shape or the voxels, or lower virion_diameter_nm."
            )

    @property
    def size_nm(self) -> tuple[float, float, float]:
        """Sides of the volume (z, y, x)."""
        z, y, x = (samples * self.voxel_size_nm for samples in self.shape)
        return z, y, x

    def _counts(self) -> dict[str, float | int]:
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


@dataclass(frozen=True, kw_only=True)
class Optics:
    """The microscope, as far as the contrast of its images depends on it."""

    voltage_kv: float = 300.0
    """Voltage that accelerates the electrons."""

    spherical_aberration_mm: float = 2.7
    """Cs of the objective lens."""

    amplitude_contrast: float = 0.07
    """Share of the contrast that is of amplitude."""

    def __post_init__(self) -> None:
        """Refuse what no microscope can be.

        Raises:
            SettingsError: If a value is out of its range.
        """
        _check_positive("voltage_kv", self.voltage_kv)
        _check_not_negative("spherical_aberration_mm", self.spherical_aberration_mm)
        if not 0 <= self.amplitude_contrast < 1:
            raise SettingsError(
                f"amplitude_contrast must be from 0 up to below 1, got {self.amplitude_contrast}."
            )

    @property
    def wavelength_nm(self) -> float:
        r"""Wavelength of the electrons, :math:`λ = h / \sqrt{2 m e U (1 + e U / 2 m c^2)}`.

        Source:
            Reimer & Kohl (2008), Transmission Electron Microscopy, eq. 2.12.
        """
        energy = _ELEMENTARY_CHARGE * self.voltage_kv * 1e3
        momentum = math.sqrt(2 * _ELECTRON_MASS * energy * (1 + energy / (2 * _REST_ENERGY)))
        return _PLANCK / momentum * 1e9

    @property
    def interaction_rad_per_v_nm(self) -> float:
        r"""Phase that a potential of 1 V adds to a wave over 1 nm, :math:`σ = 2 π γ m e λ / h^2`.

        Source:
            Kirkland (2010), Advanced Computing in Electron Microscopy, eq. 5.6.
        """
        gamma = 1 + _ELEMENTARY_CHARGE * self.voltage_kv * 1e3 / _REST_ENERGY
        scale = 2 * math.pi * _ELECTRON_MASS * _ELEMENTARY_CHARGE / _PLANCK**2 * 1e-18
        return gamma * scale * self.wavelength_nm


@dataclass(frozen=True, kw_only=True)
class ImagingRecipe:
    """How a specimen is imaged."""

    tilt_range_degrees: tuple[float, float] = (-60.0, 60.0)
    """First and last tilt."""

    tilt_step_degrees: float = 3.0
    """Step from one tilt to the next."""

    scheme: TiltScheme = "dose-symmetric"
    """Order of the images: from the least tilt outwards on both sides in turn, or from the first
    tilt to the last."""

    dose: float = 120.0
    """Electrons per square Ångström that the specimen takes in all."""

    defocus_nm: float = 3500.0
    """Nominal underfocus of the images."""

    defocus_jitter_nm: float = 100.0
    """Standard deviation of an image's underfocus around it."""

    astigmatism_nm: float = 0.0
    """Largest underfocus of an image less its smallest."""

    astigmatism_degrees: float = 0.0
    """Direction of the largest: angle from columns towards rows."""

    optics: Optics = field(default_factory=Optics)

    mean_free_path_nm: float = 310.0
    """Way through ice after which 1/e of the electrons have lost no energy."""

    energy_filter: bool = True
    """Take electrons that have lost energy away; if not, they lie blurred on the image."""

    inelastic_blur_nm: float = 3.0
    """Standard deviation of that blur."""

    blur_nm2: float = 4.0
    """B-factor of an image at tilt 0; it grows with the way through the ice."""

    damage: bool = True
    """Let exposure take contrast away, of fine detail first."""

    noise: bool = True
    """Count electrons one by one; if not, images are what is expected."""

    detective_efficiency: tuple[float, float] = (0.9, 0.5)
    """DQE of the detector at frequency 0 and at Nyquist's."""

    transfer_at_nyquist: float = 0.7
    """MTF of the detector at Nyquist's frequency."""

    axis_degrees: float = 3.0
    """Nominal in-plane angle of the tilt axis."""

    axis_error_degrees: float = 0.3
    """Standard deviation of an image's angle around it."""

    tilt_error_degrees: float = 0.05
    """Standard deviation of an image's tilt around its nominal one."""

    shift_nm: float = 5.0
    """Standard deviation of an image's shift along each axis."""

    def __post_init__(self) -> None:
        """Refuse what no microscope does.

        Raises:
            SettingsError: If a value is out of its range.
        """
        first, last = self.tilt_range_degrees
        if not -LARGEST_TILT <= first <= last <= LARGEST_TILT:
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
        for name, value in self._lengths_and_errors().items():
            _check_not_negative(name, value)
        at_zero, at_nyquist = self.detective_efficiency
        if not 0 < at_nyquist <= at_zero <= 1:
            raise SettingsError(
                f"detective_efficiency must fall from at most 1 and stay above 0, got "
                f"{self.detective_efficiency}."
            )
        if self.transfer_at_nyquist > 1:
            raise SettingsError(
                f"transfer_at_nyquist must be at most 1, got {self.transfer_at_nyquist}."
            )

    def _lengths_and_errors(self) -> dict[str, float]:
        return {
            "defocus_nm": self.defocus_nm,
            "defocus_jitter_nm": self.defocus_jitter_nm,
            "astigmatism_nm": self.astigmatism_nm,
            "inelastic_blur_nm": self.inelastic_blur_nm,
            "blur_nm2": self.blur_nm2,
            "axis_error_degrees": self.axis_error_degrees,
            "tilt_error_degrees": self.tilt_error_degrees,
            "shift_nm": self.shift_nm,
        }


def _check_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise SettingsError(f"{name} must be above 0, got {value}.")


def _check_not_negative(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise SettingsError(f"{name} must not be negative, got {value}.")
