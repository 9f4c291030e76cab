"""A tilt series: images of one specimen from many angles, and how they were taken."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from gyrovox.errors import TiltSeriesError

from .tilt_geometry import TiltGeometry


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class TiltSeries:
    """Images (tilts, v, u) with their geometry.

    Args:
        images: Counts or grey values; dense matter is dark, as a detector sees it.
        geometry: How each image was taken, as far as it is known: nominal tilts and the stage's
            axis before alignment, measured ones after it.
        pixel_size_nm: Side of a pixel at the specimen.
        dose: Electrons per Å² of each image; None where unknown.
        prior_dose: Electrons per Å² that the specimen had taken before each image.
        defocus_nm: Underfocus of each image, positive; None where unknown.
        name: What to call it.

    Raises:
        TiltSeriesError: If images, geometry and columns differ in number, or the pixel size is
            not positive.
    """

    images: Float32[np.ndarray, "tilts v u"]
    geometry: TiltGeometry
    pixel_size_nm: float
    dose: Float64[np.ndarray, " tilts"] | None = None
    prior_dose: Float64[np.ndarray, " tilts"] | None = None
    defocus_nm: Float64[np.ndarray, " tilts"] | None = None
    name: str = "tilt-series"

    def __post_init__(self) -> None:
        columns = (self.geometry.tilt_degrees, self.dose, self.prior_dose, self.defocus_nm)
        for column in columns:
            if column is not None and len(column) != len(self.images):
                raise TiltSeriesError(
                    f"{self.name}: every image must have its tilt, dose and defocus: there are "
                    f"{len(self.images)} images, and {len(column)} values came."
                )
        if not (np.isfinite(self.pixel_size_nm) and self.pixel_size_nm > 0):
            raise TiltSeriesError(
                f"{self.name}: the pixel size must be above 0 nm, got {self.pixel_size_nm}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def chosen(self, images: Int64[np.ndarray, " chosen"]) -> "TiltSeries":
        """The series of some of its images, in their order."""

        def of(
            column: Float64[np.ndarray, " tilts"] | None,
        ) -> Float64[np.ndarray, " chosen"] | None:
            return None if column is None else column[images]

        return type(self)(
            images=self.images[images],
            geometry=self.geometry.chosen(images),
            pixel_size_nm=self.pixel_size_nm,
            dose=of(self.dose),
            prior_dose=of(self.prior_dose),
            defocus_nm=of(self.defocus_nm),
            name=self.name,
        )
