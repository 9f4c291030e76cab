"""Tilt series of a specimen, as a microscope would take them."""

import numpy as np
import torch
from jaxtyping import Float64
from scipy import fft

from gyrovox.errors import SettingsError
from gyrovox.progress import track
from gyrovox.settings.simulation import ImagingRecipe

from ..projection import project
from ..tilt_geometry import TiltGeometry
from ..tilt_series import TiltSeries
from .detector import Detector
from .image_formation import Exposure, expected_electrons
from .specimen import Specimen
from .tilt_scheme import acquisition_order, nominal_tilts, prior_doses

_MARGIN_NM = 30.0  # farther than defocus spreads what it images
_GOLD_PATH_NM = 10.0  # way in gold after which 1/e of the electrons still pass the aperture
_GEOMETRY, _NOISE = 10, 11  # streams of random numbers that no specimen uses


def make_tilt_series(
    seed: int,
    specimen: Specimen,
    recipe: ImagingRecipe | None = None,
    *,
    where: torch.device | None = None,
    quiet: bool = True,
) -> tuple[TiltSeries, TiltGeometry]:
    """A tilt series of a specimen, the same for the same seed.

    Outside of the specimen there is ice. Images are as wide and high as it. The defocus of the
    series is the true one of each image, as it would be found from its Thon rings.

    Args:
        seed: Not negative.
        specimen: What is imaged.
        recipe: How; None for the default.
        where: The device that projections are computed on; the CPU by default.
        quiet: Show no progress.

    Returns:
        The series with its nominal tilts and tilt axis, and the true geometry of its images.

    Raises:
        SettingsError: If the seed is negative.
    """
    if seed < 0:
        raise SettingsError(f"a tilt series' seed must not be negative, got {seed}.")
    plan = recipe if recipe is not None else ImagingRecipe()
    nominal, size = nominal_tilts(plan), specimen.voxel_size_nm
    generator = np.random.default_rng([seed, _GEOMETRY])
    true = _true_geometry(generator, nominal, plan, size)
    exposures = _exposures(generator, true, nominal, plan)
    images = _images(seed, specimen, true, exposures, plan, where=where, quiet=quiet)
    series = TiltSeries(
        images=images,
        geometry=TiltGeometry(
            tilt_degrees=nominal,
            axis_degrees=np.full(len(nominal), plan.axis_degrees),
            shifts=np.zeros((len(nominal), 2)),
        ),
        pixel_size_nm=size,
        dose=np.array([exposure.dose for exposure in exposures]),
        prior_dose=np.array([exposure.prior_dose for exposure in exposures]),
        defocus_nm=np.array([exposure.defocus_nm for exposure in exposures]),
        name=specimen.particles.tomogram,
    )
    return series, true


def _true_geometry(
    generator: np.random.Generator,
    nominal: Float64[np.ndarray, " tilts"],
    plan: ImagingRecipe,
    pixel_size_nm: float,
) -> TiltGeometry:
    count = len(nominal)
    return TiltGeometry(
        tilt_degrees=nominal + plan.tilt_error_degrees * generator.standard_normal(count),
        axis_degrees=plan.axis_degrees + plan.axis_error_degrees * generator.standard_normal(count),
        shifts=plan.shift_nm / pixel_size_nm * generator.standard_normal((count, 2)),
    )


def _exposures(
    generator: np.random.Generator,
    true: TiltGeometry,
    nominal: Float64[np.ndarray, " tilts"],
    plan: ImagingRecipe,
) -> list[Exposure]:
    """How each image is taken."""
    count = len(nominal)
    defocus = plan.defocus_nm + plan.defocus_jitter_nm * generator.standard_normal(count)
    doses = np.full(count, plan.dose / count)
    prior = prior_doses(doses, acquisition_order(nominal, plan.scheme))
    columns = zip(true.tilt_degrees, defocus, doses, prior, strict=True)
    return [
        Exposure(
            tilt_degrees=float(tilt),
            defocus_nm=float(focus),
            dose=float(dose),
            prior_dose=float(before),
        )
        for tilt, focus, dose, before in columns
    ]


def _images(
    seed: int,
    specimen: Specimen,
    true: TiltGeometry,
    exposures: list[Exposure],
    plan: ImagingRecipe,
    *,
    where: torch.device | None,
    quiet: bool,
) -> np.ndarray:
    """Counts, shape (tilts, v, u): taken on frames with a margin, then cut."""
    size, (depth, height, width) = specimen.voxel_size_nm, specimen.density.shape
    margin = 2 * round(_MARGIN_NM / size)
    frame = fft.next_fast_len(height + margin), fft.next_fast_len(width + margin, real=True)
    top, left = frame[0] // 2 - height // 2, frame[1] // 2 - width // 2
    density = torch.from_numpy(specimen.density).to(where or torch.device("cpu"))
    shadows = project(density, true, frame).cpu().numpy()
    detector = Detector(
        efficiency=plan.detective_efficiency, transfer_at_nyquist=plan.transfer_at_nyquist
    )
    beads = _beads(specimen, true)
    images = np.empty((len(exposures), height, width), np.float32)
    for index, exposure in enumerate(
        track(exposures, "imaging", len(exposures), quiet=quiet, unit="tilts")
    ):
        electrons = expected_electrons(
            size * shadows[index].astype(np.float64),
            _transmitted(beads[index], specimen, frame),
            exposure,
            plan,
            pixel_size_nm=size,
            thickness_nm=depth * size,
        )
        noise = np.random.default_rng([seed, _NOISE, index]) if plan.noise else None
        counts = detector.counts(electrons, noise)
        images[index] = counts[top : top + height, left : left + width]
    return images


def _beads(specimen: Specimen, true: TiltGeometry) -> Float64[np.ndarray, "tilts beads 2"]:
    """Where gold beads fall, (v, u) from the images' centres."""
    particles = specimen.particles
    rows = np.flatnonzero(np.array(particles.classes, dtype=object) == "gold")
    centre = np.array(specimen.density.shape) // 2
    return true.project(particles.positions[rows] - centre)


def _transmitted(
    places: Float64[np.ndarray, "beads 2"], specimen: Specimen, frame: tuple[int, int]
) -> Float64[np.ndarray, "v u"]:
    """Share of electrons that gold does not scatter out of the aperture."""
    way = np.zeros(frame)
    particles, size = specimen.particles, specimen.voxel_size_nm
    if particles.diameters_nm is None or particles.classes is None:
        return np.ones(frame)
    rows = np.flatnonzero(np.array(particles.classes, dtype=object) == "gold")
    for (v, u), diameter in zip(places, particles.diameters_nm[rows], strict=True):
        reach = int(np.ceil(diameter / 2 / size)) + 1
        row, column = frame[0] // 2 + v, frame[1] // 2 + u
        top, left = max(round(row) - reach, 0), max(round(column) - reach, 0)
        patch = way[top : round(row) + reach + 1, left : round(column) + reach + 1]
        if not patch.size:
            continue
        high = (np.arange(patch.shape[0]) + top - row)[:, None] * size
        wide = (np.arange(patch.shape[1]) + left - column)[None] * size
        patch += 2 * np.sqrt(np.maximum((diameter / 2) ** 2 - high**2 - wide**2, 0))
    return np.exp(-way / _GOLD_PATH_NM)
