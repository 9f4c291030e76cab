"""Specimens of round Gaussian blobs, whose projections are known without any projector."""

from dataclasses import dataclass

import numpy as np

from gyrovox.tomography import TiltGeometry, TiltSeries


@dataclass(frozen=True, eq=False, kw_only=True)
class Blobs:
    """Blobs: centres (z, y, x) from the specimen's centre, standard deviations, and heights."""

    centres: np.ndarray
    widths: np.ndarray
    heights: np.ndarray

    def density(self, shape):
        grid = np.stack(np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij"), -1)
        out = np.zeros(shape)
        for centre, width, height in zip(self.centres, self.widths, self.heights, strict=True):
            squared = ((grid - centre) ** 2).sum(-1)
            out += height * np.exp(-squared / (2 * width**2))
        return out

    def images(self, geometry, shape):
        """Line integrals: a round Gaussian's is a Gaussian, √(2π) widths times as high."""
        grid = np.stack(np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij"), -1)
        out = np.zeros((len(geometry), *shape))
        places = geometry.project(self.centres)
        for number, (width, height) in enumerate(zip(self.widths, self.heights, strict=True)):
            squared = ((grid - places[:, number, None, None]) ** 2).sum(-1)
            out += height * width * np.sqrt(2 * np.pi) * np.exp(-squared / (2 * width**2))
        return out


def drawn_blobs(seed, count, reach, *, widths=(1.5, 3.0), height=1.0):
    """Blobs at random, within a box that reaches so far (z, y, x) from the centre."""
    generator = np.random.default_rng(seed)
    return Blobs(
        centres=generator.uniform(-1, 1, (count, 3)) * reach,
        widths=generator.uniform(*widths, count),
        heights=height * generator.uniform(0.5, 1, count),
    )


def disturbed_geometry(seed, tilts, *, axis=3.0, shift=2.0, axis_error=0.0, tilt_error=0.0):
    """A geometry with the errors of a stage."""
    generator = np.random.default_rng(seed)
    return TiltGeometry(
        tilt_degrees=tilts + tilt_error * generator.standard_normal(len(tilts)),
        axis_degrees=axis + axis_error * generator.standard_normal(len(tilts)),
        shifts=shift * generator.standard_normal((len(tilts), 2)),
    )


def dark_series(contrasts, geometry, *, counts=200.0, seed=None, **columns):
    """Counts of electrons whose mean falls by these contrasts; noise where there is a seed."""
    expected = counts * (1 - contrasts)
    drawn = expected if seed is None else np.random.default_rng(seed).poisson(expected)
    return TiltSeries(
        images=drawn.astype(np.float32), geometry=geometry, pixel_size_nm=1.0, **columns
    )


def distance_of_geometries(found, true, points):
    """Mean distance of projected points, once the specimen may have been moved as a whole.

    Both geometries are right if they differ by where the specimen is, and which way it is turned.
    """
    from scipy.optimize import least_squares
    from scipy.spatial.transform import Rotation

    wanted = true.project(points)

    def away(move):
        turned = points @ Rotation.from_rotvec(move[:3]).as_matrix().T + move[3:]
        return (found.project(turned) - wanted).ravel()

    best = least_squares(away, np.zeros(6))
    return float(np.linalg.norm(away(best.x).reshape(-1, 2), axis=1).mean())
