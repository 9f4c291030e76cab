"""HierarchicalSegmenter: from volumes to segmentations at several levels."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float32
from pydantic import TypeAdapter

from gyrovox import clustering, devices
from gyrovox.errors import (
    ModelFileError,
    NotFittedError,
    SettingsError,
    VolumeError,
    VolumeMismatchError,
    VoxelSizeError,
)
from gyrovox.inference import embed_dense, embed_patchwise
from gyrovox.io.model_file import read_model, write_model
from gyrovox.models import DenseEncoder, HyperbolicVAE, parameters, with_parameters
from gyrovox.patches import WorkingGrid, cartoon_and_texture, normalise
from gyrovox.segmentation import (
    Cleaning,
    Levels,
    Segmentation,
    check_levels,
    kmeans_levels,
    tree_levels,
)
from gyrovox.settings import (
    Configuration,
    SegmentationSettings,
    configuration,
    from_plain_values,
    plain_values,
)
from gyrovox.training import TrainingRecord, train
from gyrovox.volumes import (
    SAME_SIZE_WITHIN,
    NanPolicy,
    Volume,
    check_alike,
    check_mask,
    validated,
)

_LARGEST_SEED = 2**64 - 1  # that torch's generators take


@final
class HierarchicalSegmenter:
    """Learns codes of the patches of volumes, without a label, and groups their voxels by them.

    Args:
        configuration: A named configuration (``default``, ``paper``, ``euclidean``,
            ``volumetric``), or one of your own.
        seed: Seed of everything that is drawn.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads; None for torch's own choice.
        nan_policy: What to do with NaN and infinite voxels: ``error``, ``zero`` or ``mean``.
        quiet: Show no progress.

    Attributes:
        configuration_: The configuration that was trained with.
        vae_: The trained model.
        voxel_size_nm_: Side of the cubic voxels it was trained on, in nm; None where unknown.
        record_: The losses of every training step; None for a model that was loaded.

    Raises:
        SettingsError: If there is no such configuration, or the seed is out of its range.
    """

    vae_: HyperbolicVAE
    voxel_size_nm_: float | None
    record_: TrainingRecord | None

    def __init__(
        self,
        configuration: str | Configuration = "default",
        *,
        seed: int = 0,
        device: str = "auto",
        threads: int | None = None,
        nan_policy: NanPolicy = "error",
        quiet: bool = False,
    ) -> None:
        if not 0 <= seed <= _LARGEST_SEED:
            raise SettingsError(f"seed must not be negative, nor exceed 2^64 - 1, got {seed}.")
        self.configuration = configuration
        self.configuration_ = _resolved(configuration)
        self.seed = seed
        self.device = device
        self.threads = threads
        self.nan_policy: NanPolicy = nan_policy
        self.quiet = quiet

    def fit(self, volumes: Volume | Sequence[Volume]) -> "HierarchicalSegmenter":
        """Learn from volumes.

        Args:
            volumes: One or more, all with the same channels and the same finest voxel size.

        Returns:
            The segmenter itself.

        Raises:
            VolumeError: If a volume cannot be worked with, or there is none.
            VolumeMismatchError: If the volumes disagree about their channels.
            VoxelSizeError: If the volumes disagree about their voxel size.
        """
        several = [volumes] if isinstance(volumes, Volume) else list(volumes)
        if not several:
            raise VolumeError("at least one volume is needed to learn from, and none came.")
        for volume in several:
            self._check_size(volume)
        check_alike(several)
        devices.limit_threads(self.threads)
        where = devices.device(self.device)
        prepared = [_working(volume, self._normalised(volume)).to(where) for volume in several]
        with devices.seeded(self.seed, torch.device("cpu")):
            vae = HyperbolicVAE(self.configuration_.model, in_channels=several[0].channels)
        vae = vae.to(where)
        settings = self.configuration_.training
        self.record_ = train(vae, prepared, settings, seed=self.seed, quiet=self.quiet)
        self.vae_ = vae
        self.voxel_size_nm_ = next(filter(None, (_grid(one).side_nm for one in several)), None)
        return self

    def embed(self, volume: Volume) -> Float32[np.ndarray, "z y x dim"]:
        """The code of the patch around every voxel.

        Args:
            volume: What to embed.

        Returns:
            Codes (tangent vectors at the origin), float32, shape ``(z, y, x, dim)``.

        Raises:
            NotFittedError: If no model has been trained or loaded.
            VolumeError: If the volume cannot be worked with.
            VolumeMismatchError: If it has other channels than the model.
            VoxelSizeError: If it has another voxel size than the model.
        """
        self._fitted()
        self.check(volume)
        return self._codes(volume, self._normalised(volume))

    def segment(
        self,
        volume: Volume,
        levels: Levels = (2, 4, 8),
        *,
        inside: Bool[np.ndarray, "_ _ _"] | None = None,
        cleaning: Cleaning | None = None,
    ) -> Segmentation:
        """The classes of every voxel, at several levels.

        Levels are nested cuts of one tree, or, by ``kmeans``, each a clustering of its own.

        Args:
            volume: What to segment.
            levels: Numbers of classes, each from 2 to 65536; ``auto`` for those that the tree
                suggests.
            inside: Voxels to work in, shape ``(z, y, x)``; all by default. Others have label 0.
            cleaning: What becomes of specks and holes; by default, nothing.

        Returns:
            Labels by number of classes, the codes, and the tree.

        Raises:
            SettingsError: If a level is out of its range, or given twice.
            NotFittedError: If no model has been trained or loaded.
            ClusterCountError: If a level has more classes than there are distinct codes, or than
                the tree has leaves.
            VolumeError: If the volume cannot be worked with, or nothing of it is inside.
            VolumeMismatchError: If it has other channels than the model, or another shape than the
                mask.
        """
        manifold, settings = self._fitted().manifold, self.configuration_.segmentation
        if inside is not None:
            check_mask(inside, volume)
            inside = None if inside.all() else inside
        check_levels(levels, volume, settings, inside)
        self.check(volume)
        voxels = self._normalised(volume)
        codes = self._codes(volume, voxels)
        if settings.clustering == "tree":
            tree = self._tree(volume, voxels, codes, inside)
            return Segmentation(tree_levels(tree, levels, cleaning or Cleaning()), codes, tree)
        found = kmeans_levels(
            codes,
            [int(k) for k in levels],  # not "auto", which was refused
            cleaning or Cleaning(),
            curvature=manifold.curvature,
            smoothing=settings.smoothing,
            inside=inside,
            voxel_size_nm=volume.voxel_size_nm,
            seed=self.seed,
            threads=self.threads,
            quiet=self.quiet,
        )
        return Segmentation(found, codes)

    def check(self, volume: Volume) -> None:
        """Say whether this segmenter can work with a volume, before any expensive work.

        Args:
            volume: What is to be segmented. Before `fit`, only its size is looked at.

        Raises:
            VolumeError: If it is smaller than a patch.
            VolumeMismatchError: If it has other channels than the model.
            VoxelSizeError: If it has another voxel size than the model.
        """
        self._check_size(volume)
        if "vae_" not in vars(self):
            return
        if volume.channels != self.vae_.in_channels:
            raise VolumeMismatchError(
                f"{volume.name}: the model was trained on {self.vae_.in_channels} channel(s), "
                f"and this volume has {volume.channels}. Pass as many files, joined by commas, "
                f"or train a model on this one."
            )
        side = _grid(volume).side_nm
        if side is None or self.voxel_size_nm_ is None:
            return
        if abs(side - self.voxel_size_nm_) > SAME_SIZE_WITHIN * self.voxel_size_nm_:
            raise VoxelSizeError(
                f"{volume.name}: the model was trained on voxels of {self.voxel_size_nm_:g} nm, "
                f"and this volume's are {side:g} nm along their finest axis. Resample the "
                f"volume, or train a model on it."
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trained model and its configuration as a safetensors file.

        Args:
            path: Where to; an existing file is replaced, in one move.

        Raises:
            NotFittedError: If no model has been trained or loaded.
        """
        vae = self._fitted()
        facts = {
            "configuration": plain_values(self.configuration_),
            "in_channels": vae.in_channels,
            "voxel_size_nm": self.voxel_size_nm_,
            "seed": self.seed,
        }
        write_model(path, parameters(vae), facts)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        segmentation: SegmentationSettings | None = None,
        device: str = "auto",
        threads: int | None = None,
        nan_policy: NanPolicy = "error",
        quiet: bool = False,
    ) -> "HierarchicalSegmenter":
        """The segmenter that `save` wrote, ready to embed and segment.

        Args:
            path: A model file.
            segmentation: How codes become classes, if not as the model's configuration says.
            device: As for the class.
            threads: As for the class.
            nan_policy: As for the class.
            quiet: As for the class.

        Returns:
            The segmenter.

        Raises:
            ModelFileError: If the file is no model of gyrovox.
        """
        arrays, facts = read_model(path)
        try:
            settings = from_plain_values(facts["configuration"])
            settings = replace(settings, segmentation=segmentation or settings.segmentation)
            in_channels = TypeAdapter(int).validate_python(facts["in_channels"], strict=True)
            size: float | None = TypeAdapter(float | None).validate_python(facts["voxel_size_nm"])
            vae = with_parameters(settings.model, in_channels, arrays)
            segmenter = cls(
                settings,
                seed=TypeAdapter(int).validate_python(facts["seed"], strict=True),
                device=device,
                threads=threads,
                nan_policy=nan_policy,
                quiet=quiet,
            )
        except (KeyError, ValueError) as error:
            raise ModelFileError(
                f"the model {os.fspath(path)} does not hold what its configuration says: "
                f"{' '.join(str(error).split())}. Use the gyrovox that wrote it, or train anew."
            ) from error
        segmenter.vae_ = vae
        segmenter.voxel_size_nm_ = size
        segmenter.record_ = None
        return segmenter

    def _fitted(self) -> HyperbolicVAE:
        """The trained model.

        Raises:
            NotFittedError: If there is none.
        """
        if "vae_" not in vars(self):
            raise NotFittedError(
                "a segmenter must be fitted before it is used, and this one is not. "
                "Call fit(volumes), or HierarchicalSegmenter.load(path)."
            )
        return self.vae_

    def _normalised(self, volume: Volume) -> Float32[np.ndarray, "channels z y x"]:
        """The voxels of a volume, checked and normalised."""
        return normalise(validated(volume, nan_policy=self.nan_policy))

    def _codes(
        self, volume: Volume, voxels: Float32[np.ndarray, "channels z y x"]
    ) -> Float32[np.ndarray, "z y x dim"]:
        """The codes of a volume's voxels, which were normalised."""
        devices.limit_threads(self.threads)
        where = devices.device(self.device)
        encoder, prepared = self.vae_.to(where).encoder, _working(volume, voxels).to(where)
        side = self.configuration_.training.embed_side
        if isinstance(encoder, DenseEncoder):
            codes = embed_dense(encoder, prepared, quiet=self.quiet)
        else:
            codes = embed_patchwise(encoder, prepared, side=side, quiet=self.quiet)
        maps = _grid(volume).from_working(codes.movedim(-1, 0)).movedim(0, -1)
        return maps.contiguous().numpy()

    def _tree(
        self,
        volume: Volume,
        voxels: Float32[np.ndarray, "channels z y x"],
        codes: Float32[np.ndarray, "z y x dim"],
        inside: Bool[np.ndarray, "z y x"] | None,
    ) -> clustering.SegmentationTree:
        """The tree of a volume's regions."""
        settings = self.configuration_.segmentation
        evidence = cartoon_and_texture(
            voxels,
            spacing=volume.voxel_size_nm or (1.0, 1.0, 1.0),
            texture=settings.evidence == "texture",
        )
        if settings.evidence == "codes":
            evidence = np.concatenate([evidence, codes], axis=-1)
        return clustering.build_tree(
            codes,
            evidence,
            np.ascontiguousarray(np.moveaxis(voxels, 0, -1)),
            curvature=self.vae_.manifold.curvature,
            inside=inside,
            voxel_size_nm=volume.voxel_size_nm,
            regions=settings.regions,
            quiet=self.quiet,
        )

    def _check_size(self, volume: Volume) -> None:
        """Refuse a volume that is smaller than what the network reads.

        Raises:
            VolumeError: If it is.
        """
        needed = _smallest(self.configuration_)
        shape = _grid(volume).working_shape
        if min(shape) < needed:
            raise VolumeError(
                f"{volume.name}: a volume must have at least {needed} voxels along every axis "
                f"for the patches of this configuration, and this one has {shape} (z, y, x). "
                f"Use a larger volume, or smaller patches."
            )


def _resolved(given: str | Configuration) -> Configuration:
    return configuration(given) if isinstance(given, str) else given


def _grid(volume: Volume) -> WorkingGrid:
    return WorkingGrid(volume.spatial_shape, volume.voxel_size_nm)


def _working(volume: Volume, voxels: Float32[np.ndarray, "channels z y x"]) -> torch.Tensor:
    """Voxels of a volume on its working grid, shape ``(channels, Z, Y, X)``."""
    return _grid(volume).to_working(torch.from_numpy(voxels))


def _smallest(settings: Configuration) -> int:
    """Voxels that a volume must have along every axis to be trained on."""
    if settings.model.encoder == "dense":
        return settings.model.receptive_size
    return max(2 * settings.training.parent_sides[0], settings.training.embed_side + 1)
