"""A whole configuration, and the catalogue of named ones."""

from dataclasses import dataclass, field, replace
from typing import Literal

from gyrovox.errors import SettingsError
from gyrovox.settings.model import ModelSettings
from gyrovox.settings.segmentation import SegmentationSettings
from gyrovox.settings.training import TrainingSettings

ConfigurationName = Literal["default", "paper", "euclidean", "volumetric"]


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The network and how it learns: all that a model file remembers of its making."""

    model: ModelSettings = field(default_factory=ModelSettings)
    """The network."""

    training: TrainingSettings = field(default_factory=TrainingSettings)
    """How it learns."""

    segmentation: SegmentationSettings = field(default_factory=SegmentationSettings)
    """How codes become classes."""

    def __post_init__(self) -> None:
        """Refuse patches that do not fit what the encoder reads.

        Raises:
            SettingsError: If the jittered patch reaches beyond the encoder's receptive field, a
                crop holds no latent volume, the cube around a voxel cannot be brought to the
                encoder's patch, or the patch encoder is to turn crops.
        """
        if self.model.encoder == "patch":
            if self.training.missing_wedge is not None:
                raise SettingsError(
                    "training.missing_wedge turns crops that are encoded as a whole, and the patch "
                    "encoder takes none. Leave it away, or take model.encoder dense."
                )
            size, side = self.model.input_size, self.training.embed_side
            if size % side:
                raise SettingsError(
                    f"training.embed_side must divide the encoder's patch of {size} voxels, got "
                    f"{side}. Pass 1, 2, 5 or 10."
                )
            return
        apart = (self.model.latent_side - 1) * self.model.latent_spacing
        if self.training.crop_size <= apart:
            raise SettingsError(
                "the codes of a step must hold a latent volume: training.crop_size must exceed "
                f"{apart} (latent_side, latent_spacing), got {self.training.crop_size}."
            )
        rebuilt, seen = self.model.output_size // 2, self.model.receptive_size // 2
        reach = self.training.jitter + rebuilt
        if reach > seen:
            point = self.model.latent_side == 1
            volume = "latent_side, latent_spacing"
            of_rebuilt = "decoder_channels" if point else volume
            of_seen = "dilations" if point else f"dilations, {volume}"
            raise SettingsError(
                "the rebuilt patch must lie within the encoder's receptive field: "
                f"training.jitter + {rebuilt} ({of_rebuilt}) <= {seen} ({of_seen}), got {reach}. "
                "Lower training.jitter."
            )


_PAPER = Configuration(
    model=ModelSettings(
        encoder="patch",
        channels=(16, 32, 64, 128),
        hidden=300,
        likelihood="unit-normal",
    ),
    training=TrainingSettings(
        steps=1000,
        learning_rate=1e-3,
        kl_weight=1.0,
        triplet_weight=1000.0,
        scale_sampling="uniform",
    ),
    segmentation=SegmentationSettings(clustering="kmeans", smoothing=0.0),
)

CATALOGUE: dict[ConfigurationName, Configuration] = {
    "default": Configuration(),
    "paper": _PAPER,
    "euclidean": Configuration(model=replace(ModelSettings(), geometry="euclidean")),
    "volumetric": Configuration(
        model=replace(ModelSettings(), latent_side=3, latent_spacing=3),
        # 27 times the voxels are rebuilt: so the triplets keep their share of the objective.
        training=replace(TrainingSettings(), positions=128, triplet_weight=27.0),
    ),
}
"""Named configurations: ours, the published one, and of ours the flat control and the one whose
latents are volumes."""


def configuration(name: str) -> Configuration:
    """The named configuration.

    Args:
        name: ``default`` (small, dense, fast), ``paper`` (the published layers), ``euclidean``
            (`default` without hyperbolic geometry) or ``volumetric`` (`default` with volumes of
            codes).

    Returns:
        The configuration.

    Raises:
        SettingsError: If there is none of this name.
    """
    for known, found in CATALOGUE.items():
        if known == name:
            return found
    raise SettingsError(f"configuration must be one of {', '.join(CATALOGUE)}; got {name!r}.")
