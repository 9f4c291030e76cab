"""HierarchicalSegmenter: from volumes to segmentations at several levels."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
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
)
from gyrovox.execution import StageTimes
from gyrovox.inference import embed_region
from gyrovox.io.model_file import read_model, write_model
from gyrovox.models import HyperbolicVAE, parameters, with_parameters
from gyrovox.patches import WorkingGrid, cartoon_and_texture
from gyrovox.segmentation import (
    Cleaning,
    Levels,
    Segmentation,
    check_levels,
    kmeans_levels,
    tree_levels,
)
from gyrovox.settings import Configuration, SegmentationSettings, from_plain_values, plain_values
from gyrovox.settings import configuration as named
from gyrovox.settings.citations import cited
from gyrovox.training import (
    LossCurves,
    TrainingRecord,
    check_fits,
    check_size,
    never,
    stored_curves,
    train,
    training_boxes,
)
from gyrovox.volumes import (
    InMemory,
    NanPolicy,
    Region,
    Volume,
    check_alike,
    check_mask,
    normalisation_of,
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
        curves_: The same, small enough to be saved with it; None for a model of before they were.
        times_: What the stages of all work so far took.

    Raises:
        SettingsError: If there is no such configuration, or the seed is out of its range.
    """

    vae_: HyperbolicVAE
    voxel_size_nm_: float | None
    record_: TrainingRecord | None
    curves_: LossCurves | None

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
        self.configuration_ = (
            named(configuration) if isinstance(configuration, str) else configuration
        )
        self.seed = seed
        self.device = device
        self.threads = threads
        self.nan_policy: NanPolicy = nan_policy
        self.quiet = quiet
        self.times_ = StageTimes()

    def fit(
        self,
        volumes: Volume | Sequence[Volume],
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every_s: float = 30.0,
        should_stop: Callable[[], bool] = never,
    ) -> "HierarchicalSegmenter":
        """Learn from volumes; of very large ones, from boxes spread all over them.

        Args:
            volumes: One or more, all with the same channels and the same finest voxel size.
            checkpoint: File to keep the run in, and to go on from if it is there.
            checkpoint_every_s: Time between two checkpoints, in seconds.
            should_stop: Asked after every step; where it says so, training ends early.

        Returns:
            The segmenter itself.

        Raises:
            CheckpointError: If the checkpoint is damaged.
            RunMismatchError: If it is that of a run with other settings, seed or volumes.
            VolumeError: If a volume cannot be worked with, or there is none.
            VolumeMismatchError: If the volumes disagree about their channels.
            VoxelSizeError: If the volumes disagree about their voxel size.
        """
        several = [volumes] if isinstance(volumes, Volume) else list(volumes)
        if not several:
            raise VolumeError("at least one volume is needed to learn from, and none came.")
        for volume in several:
            check_size(volume, self.configuration_)
        check_alike(several)
        devices.limit_threads(self.threads)
        where = devices.device(self.device)
        boxes = training_boxes(
            several, self.configuration_, seed=self.seed, nan_policy=self.nan_policy
        )
        with devices.seeded(self.seed, torch.device("cpu")):
            vae = HyperbolicVAE(self.configuration_.model, in_channels=several[0].channels)
        self.record_ = train(
            vae.to(where),
            [box.to(where) for box in boxes],
            self.configuration_.training,
            seed=self.seed,
            quiet=self.quiet,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            checkpoint_every_s=checkpoint_every_s,
            should_stop=should_stop,
        )
        self.curves_ = LossCurves.of(self.record_)
        self.vae_ = vae
        grids = [WorkingGrid(one.spatial_shape, one.voxel_size_nm) for one in several]
        self.voxel_size_nm_ = next((grid.side_nm for grid in grids if grid.side_nm), None)
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
        check_size(volume, self.configuration_)
        if "vae_" not in vars(self):
            return
        check_fits(volume, self.vae_.in_channels, self.voxel_size_nm_)

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
            "curves": None if self.curves_ is None else asdict(self.curves_),
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
            segmenter.curves_ = stored_curves(facts.get("curves"))
        except (KeyError, ValueError) as error:
            raise ModelFileError(
                f"the model {os.fspath(path)} does not hold what its configuration says: "
                f"{' '.join(str(error).split())}. Use the gyrovox that wrote it, or train anew."
            ) from error
        segmenter.vae_ = vae
        segmenter.voxel_size_nm_ = size
        segmenter.record_ = None
        return segmenter

    def cite(self) -> str:
        """The papers that work with this configuration used, as references and as BibTeX."""
        return cited(self.configuration_)

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
        return normalisation_of(volume, nan_policy=self.nan_policy).apply(volume.read())

    def _codes(
        self, volume: Volume, voxels: Float32[np.ndarray, "channels z y x"]
    ) -> Float32[np.ndarray, "z y x dim"]:
        """The codes of a volume's voxels, which were normalised."""
        devices.limit_threads(self.threads)
        with self.times_.measure("embed", voxels[0].size):
            return embed_region(
                self.vae_.to(devices.device(self.device)).encoder,
                replace(volume, source=InMemory(voxels)),
                None,
                Region.whole(volume.spatial_shape),
                side_patchwise=self.configuration_.training.embed_side,
                quiet=self.quiet,
            )

    def _tree(
        self,
        volume: Volume,
        voxels: Float32[np.ndarray, "channels z y x"],
        codes: Float32[np.ndarray, "z y x dim"],
        inside: Bool[np.ndarray, "z y x"] | None,
    ) -> clustering.SegmentationTree:
        """The tree of a volume's regions."""
        settings = self.configuration_.segmentation
        with self.times_.measure("features", voxels[0].size):
            evidence = cartoon_and_texture(
                voxels,
                spacing=volume.voxel_size_nm or (1.0, 1.0, 1.0),
                texture=settings.evidence == "texture",
            )
        if settings.evidence == "codes":
            evidence = np.concatenate([evidence, codes], axis=-1)
        with self.times_.measure("tree", voxels[0].size):
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
