"""A whole configuration, and the catalogue of named ones."""

from dataclasses import dataclass, field, replace
from typing import Literal

from gyrovox.errors import SettingsError
from gyrovox.settings.model import ModelSettings
from gyrovox.settings.segmentation import SegmentationSettings
from gyrovox.settings.training import TrainingSettings

ConfigurationName = Literal["default", "paper", "euclidean"]


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
            SettingsError: If the jittered patch reaches beyond the encoder's receptive field, or
                the cube around a voxel cannot be brought to the encoder's patch.
        """
        if self.model.encoder == "patch":
            size, side = self.model.input_size, self.training.embed_side
            if size % side:
                raise SettingsError(
                    f"training.embed_side must divide the encoder's patch of {size} voxels, got "
                    f"{side}. Pass 1, 2, 5 or 10."
                )
            return
        reach = self.training.jitter + self.model.output_size // 2
        if reach > self.model.input_size // 2:
            raise SettingsError(
                "the rebuilt patch must lie within the encoder's receptive field: "
                f"training.jitter + {self.model.output_size // 2} (decoder_channels) <= "
                f"{self.model.input_size // 2} (dilations), got {reach}. Lower training.jitter."
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
}
"""Named configurations: ours, the published one, and the flat control of ours."""


def configuration(name: str) -> Configuration:
    """The named configuration.

    Args:
        name: ``default`` (small, dense, fast), ``paper`` (the published layers) or ``euclidean``
            (`default` without hyperbolic geometry).

    Returns:
        The configuration.

    Raises:
        SettingsError: If there is none of this name.
    """
    for known, found in CATALOGUE.items():
        if known == name:
            return found
    raise SettingsError(f"configuration must be one of {', '.join(CATALOGUE)}; got {name!r}.")
