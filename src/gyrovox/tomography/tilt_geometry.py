"""Where a point of the specimen falls on the detector, in every image of a tilt series."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64, Int64

from gyrovox.errors import TiltSeriesError


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class TiltGeometry:
    """How each image of a tilt series was taken.

    The specimen has axes (z, y, x), z along the beam at tilt 0, and turns about y. A point
    ``(z, y, x)``, in pixels from the centre of the specimen, falls in image i at

    ``(v, u) = R(axis_degrees[i]) @ (y, x cos t + z sin t) + shifts[i]``

    in pixels from the centre of the image, t the tilt; v counts rows, u columns, and
    ``R(a) @ (v, u) = (v cos a - u sin a, v sin a + u cos a)``. The centre of n samples is the one
    at n // 2, as Fourier transforms have it.

    Args:
        tilt_degrees: Tilt of every image, shape (tilts,).
        axis_degrees: In-plane angle from the rows' direction to the tilt axis, shape (tilts,).
        shifts: Shift (v, u) of every image in pixels, shape (tilts, 2).

    Raises:
        TiltSeriesError: If there is no image, columns differ in length, a number is not finite, or
            a tilt is not between -90 and 90 degrees.
    """

    tilt_degrees: Float64[np.ndarray, " tilts"]
    axis_degrees: Float64[np.ndarray, " tilts"]
    shifts: Float64[np.ndarray, "tilts 2"]

    def __post_init__(self) -> None:
        lengths = {len(self.tilt_degrees), len(self.axis_degrees), len(self.shifts)}
        if len(lengths) != 1 or 0 in lengths:
            raise TiltSeriesError(
                f"tilts, axes and shifts must have a row for each image, and have {lengths}."
            )
        every = (self.tilt_degrees, self.axis_degrees, self.shifts)
        if not all(np.isfinite(column).all() for column in every):
            raise TiltSeriesError("tilts, axes and shifts must be finite, and some are not.")
        if np.abs(self.tilt_degrees).max() >= 90:
            raise TiltSeriesError(
                f"tilts must lie between -90 and 90 degrees, and one is "
                f"{self.tilt_degrees[np.abs(self.tilt_degrees).argmax()]:g}."
            )

    def __len__(self) -> int:
        return len(self.tilt_degrees)

    @classmethod
    def ideal(cls, tilt_degrees: Float64[np.ndarray, " tilts"]) -> "TiltGeometry":
        """Images that are aligned: the axis along y, no shifts."""
        count = len(tilt_degrees)
        return cls(
            tilt_degrees=tilt_degrees, axis_degrees=np.zeros(count), shifts=np.zeros((count, 2))
        )

    def chosen(self, images: Int64[np.ndarray, " chosen"]) -> "TiltGeometry":
        """The geometry of some images, in their order."""
        return type(self)(
            tilt_degrees=self.tilt_degrees[images],
            axis_degrees=self.axis_degrees[images],
            shifts=self.shifts[images],
        )

    def matrices(self) -> Float64[np.ndarray, "tilts 2 3"]:
        """Per image, what takes a centred point (z, y, x) to its (v, u), before the shift."""
        tilt, axis = np.deg2rad(self.tilt_degrees), np.deg2rad(self.axis_degrees)
        zero, one = np.zeros_like(tilt), np.ones_like(tilt)
        seen = np.stack(
            [
                np.stack([zero, one, zero], axis=-1),
                np.stack([np.sin(tilt), zero, np.cos(tilt)], axis=-1),
            ],
            axis=1,
        )
        turned = np.stack(
            [
                np.stack([np.cos(axis), -np.sin(axis)], axis=-1),
                np.stack([np.sin(axis), np.cos(axis)], axis=-1),
            ],
            axis=1,
        )
        return np.asarray(turned @ seen)

    def project(
        self, points: Float64[np.ndarray, "points 3"]
    ) -> Float64[np.ndarray, "tilts points 2"]:
        """Where centred points (z, y, x) fall, (v, u) from the images' centres, in pixels."""
        places = np.einsum("tij,pj->tpi", self.matrices(), points)
        return np.asarray(places + self.shifts[:, None])
