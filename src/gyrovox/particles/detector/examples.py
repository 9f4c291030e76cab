"""What a detector learns from: voxels with boxes, cropped and turned over."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float32, Int64

from gyrovox.errors import ParticleError
from gyrovox.io.atomic import written_whole
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.particles.picking.tomogram_grid import Contrast, tomogram_grid
from gyrovox.volumes import NanPolicy, ParticleTable, Volume


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Example:
    """A tomogram, or a part of one, and what is in it.

    Args:
        voxels: Standardised, dense matter bright, on the detector's voxels.
        boxes: Centres and sides of the particles (z, y, x), in voxels.
        classes: Numbers of their classes.
    """

    voxels: Float32[np.ndarray, "z y x"]
    boxes: Float32[np.ndarray, "n 6"]
    classes: Int64[np.ndarray, " n"]

    def cropped(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> "Example":
        """A box of it; where that reaches beyond the tomogram, there is nothing.

        Args:
            start: First voxel (z, y, x) of the box.
            shape: Voxels (z, y, x) of the box.

        Returns:
            The box, with those particles that reach into it, whether their centres lie in it or
            not.
        """
        voxels = np.zeros(shape, np.float32)
        part = self.voxels[
            tuple(slice(first, first + count) for first, count in zip(start, shape, strict=True))
        ]
        voxels[tuple(slice(count) for count in part.shape)] = part
        boxes = self.boxes.copy()
        boxes[:, :3] -= np.asarray(start, np.float32)
        low, high = boxes[:, :3] - boxes[:, 3:] / 2, boxes[:, :3] + boxes[:, 3:] / 2
        near = ((high > -0.5) & (low < np.asarray(shape) - 0.5)).all(axis=1)
        return Example(voxels=voxels, boxes=boxes[near], classes=self.classes[near])

    def flipped(self, axes: tuple[int, ...]) -> "Example":
        """Turned over along some axes, none of which a missing wedge can tell apart.

        Args:
            axes: Which of (z, y, x).

        Returns:
            The same, mirrored.
        """
        boxes = self.boxes.copy()
        for axis in axes:
            boxes[:, axis] = self.voxels.shape[axis] - 1 - boxes[:, axis]
        voxels = np.ascontiguousarray(np.flip(self.voxels, axes))
        return Example(voxels=voxels, boxes=boxes, classes=self.classes)

    def save(self, path: Path) -> None:
        """Write it as .npz, voxels in half precision.

        Args:
            path: The file to be; one that is there is replaced.

        Raises:
            OutputSpaceError: If there is no room for it.
            FileAccessError: If this user may not write there.
        """
        with written_whole(path, overwrite=True, suffix=".npz") as beside:
            np.savez(
                beside,
                voxels=self.voxels.astype(np.float16),
                boxes=self.boxes,
                classes=self.classes,
            )

    @classmethod
    def load(cls, path: Path) -> "Example":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(
                voxels=stored["voxels"].astype(np.float32),
                boxes=stored["boxes"],
                classes=stored["classes"],
            )


def example_of(
    tomogram: Volume,
    particles: ParticleTable,
    settings: DetectorSettings,
    *,
    contrast: Contrast = "dark",
    nan_policy: NanPolicy = "error",
) -> Example:
    """A tomogram and its particles as a detector learns from them.

    Args:
        tomogram: One channel of cubic voxels of known size.
        particles: What is in it, with diameters; of classes that the detector does not know, none
            is taken. Without classes, all are of the detector's only one.
        settings: The detector.
        contrast: Whether dense matter is dark in the tomogram or bright.
        nan_policy: What to do with NaN and infinite voxels.

    Returns:
        The example.

    Raises:
        ParticleError: If particles have no diameters, or no classes where the detector has
            several.
        VoxelSizeError: If the tomogram's voxels are not cubic, or of unknown size.
        VolumeError: If it cannot be worked with.
    """
    known = of_classes(particles, settings.classes)
    if known.diameters_nm is None:
        raise ParticleError(
            f"{tomogram.name}: particles to learn from must have diameters, and these have none."
        )
    grid = tomogram_grid(
        tomogram,
        voxel_size_nm=settings.voxel_size_nm,
        contrast=contrast,
        nan_policy=nan_policy,
    )
    # By nm, not by voxels: a table may count in those of another binning.
    centres = grid.from_tomogram(known.positions_nm / grid.tomogram_voxel_size_nm)
    sides = np.repeat(known.diameters_nm[:, None] / grid.voxel_size_nm, 3, axis=1)
    numbers = [settings.classes.index(name) for name in known.classes or ()]
    return Example(
        voxels=grid.voxels,
        boxes=np.concatenate([centres, sides], axis=1).astype(np.float32),
        classes=np.asarray(numbers or [0] * len(known), np.int64),
    )


def of_classes(particles: ParticleTable, classes: tuple[str, ...]) -> ParticleTable:
    """The particles of some classes.

    Args:
        particles: Any.
        classes: Names. If it is only one, it is that of particles without.

    Returns:
        Those particles.

    Raises:
        ParticleError: If particles have no classes where there are several names.
    """
    if particles.classes is None:
        if len(classes) > 1:
            raise ParticleError(
                f"particles must have classes to be told apart into {classes}, and these have none."
            )
        return particles
    rows = [row for row, name in enumerate(particles.classes) if name in classes]
    return particles.chosen(np.asarray(rows, np.int64))
