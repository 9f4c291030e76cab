"""A trained detector: tomograms in, particles out; kept in a file."""

import os
from collections.abc import Mapping
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import Tensor

from gyrovox import devices
from gyrovox.errors import ModelFileError, SettingsError
from gyrovox.io.model_file import read_model, write_model
from gyrovox.particles.detector.anchors import decoded
from gyrovox.particles.detector.boxes import kept_boxes
from gyrovox.particles.detector.network import RetinaNet
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.particles.picking.tomogram_grid import Contrast, TomogramGrid, tomogram_grid
from gyrovox.particles.picking.tomogram_tiles import Tile, tiles_of
from gyrovox.progress import track
from gyrovox.volumes import NanPolicy, ParticleTable, Volume

LOWEST_SCORE = 0.05
"""Score below which an anchor never counts, whatever the threshold: nearly all are down there."""

TILE = 128
"""Side of a tile, in voxels of the detector."""

# Cubes around spheres that touch share a sixteenth; around one particle, most.
_OVERLAP = 0.25
_KIND = "particle-detector"


@final
class ParticleDetector:
    """Finds particles of the classes that it was trained on.

    Args:
        network: The trained network.
        threshold: Score from which a particle counts, unless told otherwise.
        about: What it was trained on and how well it did, as plain values.

    Raises:
        SettingsError: If the threshold is not between 0 and 1.
    """

    def __init__(
        self,
        network: RetinaNet,
        *,
        threshold: float = 0.5,
        about: Mapping[str, object] | None = None,
    ) -> None:
        self.network = network.eval()
        self.threshold = _checked(threshold)
        self.about = dict(about or {})

    @property
    def settings(self) -> DetectorSettings:
        """What the detector is."""
        return self.network.settings

    def detect(
        self,
        tomogram: Volume,
        *,
        threshold: float | None = None,
        contrast: Contrast = "dark",
        nan_policy: NanPolicy = "error",
        device: str = "auto",
        tile: int = TILE,
        quiet: bool = False,
    ) -> ParticleTable:
        """Find the particles of a tomogram.

        Args:
            tomogram: One channel of cubic voxels of known size; it is resampled to the detector's.
            threshold: Score from which a particle counts; the detector's own by default.
            contrast: Whether dense matter is dark in it or bright.
            nan_policy: What to do with NaN and infinite voxels.
            device: Where to compute: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
            tile: Side of the tiles that are worked on at once, in the detector's voxels.
            quiet: Show no progress.

        Returns:
            Positions, scores, classes and diameters, highest score first.

        Raises:
            VoxelSizeError: If its voxels are not cubic, or of unknown size.
            VolumeError: If it cannot be worked with.
            SettingsError: If the threshold or the tile is none.
        """
        least = _checked(self.threshold if threshold is None else threshold)
        grid = tomogram_grid(
            tomogram,
            voxel_size_nm=self.settings.voxel_size_nm,
            contrast=contrast,
            nan_policy=nan_policy,
        )
        boxes, scores, classes = self.boxes(
            grid.voxels, threshold=least, device=device, tile=tile, quiet=quiet
        )
        return _table(grid, self.settings.classes, boxes, scores, classes)

    def boxes(
        self,
        voxels: Float32[np.ndarray, "z y x"],
        *,
        threshold: float,
        device: str = "auto",
        tile: int = TILE,
        quiet: bool = True,
    ) -> tuple[Float[Tensor, "n 6"], Float[Tensor, " n"], Int64[Tensor, " n"]]:
        """Find particles in voxels of the detector's size.

        Args:
            voxels: Standardised, dense matter bright, as `tomogram_grid` gives them.
            threshold: Score from which a box counts.
            device: Where to compute.
            tile: Side of the tiles, in voxels.
            quiet: Show no progress.

        Returns:
            Boxes, shape ``(n, 6)``, in voxels; their scores and numbers of their classes, shape
            ``(n,)``; highest score first.

        Raises:
            SettingsError: If the tile is smaller than what the network strides over.
        """
        stride = self.network.stride
        if tile < stride:
            raise SettingsError(f"a tile must be at least {stride} voxels wide, got {tile}.")
        where = devices.device(device)
        self.network.to(where).eval()
        rest = [-count % stride for count in voxels.shape]
        whole = np.pad(voxels, [(0, count) for count in rest])
        tiles = tiles_of(whole, side=tile // stride * stride, halo=self.network.reach)
        found = [
            self._in_tile(one, max(threshold, LOWEST_SCORE), where)
            for one in track(tiles, "detect", len(tiles), quiet=quiet, unit="tiles")
        ]
        boxes, scores, classes = (torch.cat(column) for column in zip(*found, strict=True))
        last = torch.tensor(voxels.shape) - 0.5
        inside = ((boxes[:, :3] >= -0.5) & (boxes[:, :3] < last)).all(-1)
        boxes, scores, classes = boxes[inside], scores[inside], classes[inside]
        # Over all tiles together: two tiles may see a particle between them.
        kept = kept_boxes(boxes, scores, classes, overlap=_OVERLAP)
        return boxes[kept], scores[kept], classes[kept]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the detector.

        Args:
            path: A .safetensors file, which is replaced if it is there.
        """
        arrays = {name: value.cpu().numpy() for name, value in self.network.state_dict().items()}
        facts = {
            "kind": _KIND,
            "detector": self.settings.plain_values(),
            "threshold": self.threshold,
            "about": self.about,
        }
        # In half precision, which changes a score by less than a thousandth.
        write_model(path, {name: _halved(array) for name, array in arrays.items()}, facts)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ParticleDetector":
        """Read a detector that `save` wrote.

        Args:
            path: A .safetensors file.

        Returns:
            The detector, on the CPU.

        Raises:
            MissingFileError: If there is no such file.
            ModelFileError: If it is no detector.
        """
        arrays, facts = read_model(path)
        if facts.get("kind") != _KIND:
            raise ModelFileError(
                f"a detector must be a file that `gyrovox train-detector` wrote, and "
                f"{os.fspath(path)} holds something else."
            )
        try:
            settings = DetectorSettings.from_plain_values(facts["detector"])
            threshold = TypeAdapter(float).validate_python(facts["threshold"], strict=True)
            about = TypeAdapter(dict[str, object]).validate_python(facts["about"], strict=True)
            return cls(_restored(settings, arrays), threshold=threshold, about=about)
        except (KeyError, ValueError) as error:
            raise ModelFileError(
                f"the detector {os.fspath(path)} does not hold what its configuration says: "
                f"{' '.join(str(error).split())}. Train it anew."
            ) from error

    @torch.inference_mode()
    def _in_tile(
        self, tile: Tile, threshold: float, where: torch.device
    ) -> tuple[Float[Tensor, "n 6"], Float[Tensor, " n"], Int64[Tensor, " n"]]:
        """What the anchors of a tile's core say, on the CPU, before suppression."""
        voxels = torch.from_numpy(np.ascontiguousarray(tile.voxels)).to(where)[None, None]
        logits, offsets = self.network(voxels)
        anchors, _ = self.network.anchors(tile.read.shape)
        start = torch.tensor(tile.core.start) - torch.tensor(tile.read.start)
        stop = torch.tensor(tile.core.stop) - torch.tensor(tile.read.start)
        own = ((anchors[:, :3] >= start) & (anchors[:, :3] < stop)).all(-1)
        scores = logits[0].sigmoid().float().cpu()
        rows, classes = ((scores >= threshold) & own[:, None]).nonzero(as_tuple=True)
        boxes = decoded(offsets[0].float().cpu()[rows], anchors[rows])
        boxes[:, :3] += torch.tensor(tile.read.start)
        return boxes, scores[rows, classes], classes


def _table(
    grid: TomogramGrid,
    names: tuple[str, ...],
    boxes: Float[Tensor, "n 6"],
    scores: Float[Tensor, " n"],
    classes: Int64[Tensor, " n"],
) -> ParticleTable:
    """Boxes as particles of the tomogram."""
    sides = boxes[:, 3:].double().numpy()
    return ParticleTable(
        positions=grid.to_tomogram(boxes[:, :3].double().numpy()),
        shape=grid.shape,
        voxel_size_nm=grid.tomogram_voxel_size_nm,
        tomogram=grid.word,
        scores=scores.double().numpy(),
        classes=tuple(names[number] for number in classes.tolist()),
        diameters_nm=np.exp(np.log(sides).mean(axis=1)) * grid.voxel_size_nm,
    )


def _halved(array: NDArray[np.generic]) -> NDArray[np.generic]:
    # Not the few that stand alone: variances may be beyond what half precision can hold.
    return array.astype(np.float16) if array.dtype == np.float32 and array.ndim > 1 else array


def _restored(settings: DetectorSettings, arrays: Mapping[str, NDArray[np.generic]]) -> RetinaNet:
    """The network with its parameters.

    Raises:
        ValueError: If names or shapes are not those of the network, or a number is not finite.
    """
    network = RetinaNet(settings)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, and is not.")
    floats = {name: torch.from_numpy(_doubled(array)) for name, array in arrays.items()}
    try:
        network.load_state_dict(floats)
    except RuntimeError as error:
        raise ValueError(" ".join(str(error).split())) from error
    return network


def _doubled(array: NDArray[np.generic]) -> NDArray[np.generic]:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _checked(threshold: float) -> float:
    """A score that may be a threshold.

    Raises:
        SettingsError: If it is none.
    """
    if not 0 <= threshold <= 1:
        raise SettingsError(f"the threshold of a score must be between 0 and 1, got {threshold:g}.")
    return threshold
