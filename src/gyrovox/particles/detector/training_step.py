"""One step of a detector's training: examples drawn, what the anchors should say, the loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from scipy import ndimage
from torch import Tensor

from gyrovox.particles.detector.anchors import BACKGROUND, encoded, matched_truths
from gyrovox.particles.detector.boxes import intersection_over_union
from gyrovox.particles.detector.examples import Example
from gyrovox.particles.detector.losses import focal_loss, smooth_l1_loss
from gyrovox.particles.detector.network import RetinaNet

# An anchor that overlaps a particle so much, whose centre lies beyond the crop, is asked nothing.
_UNASKED = 0.2
_GAIN = (0.8, 1.25)  # tomograms differ in contrast by more than standardising takes away
_NOISE = 0.3
_BLUR = 0.8  # voxels: tomograms of finer voxels, resampled, are as much smoother


@final
@dataclass(frozen=True)
class StepLosses:
    """What a step made small, a particle."""

    classes: Float[Tensor, ""]
    boxes: Float[Tensor, ""]

    @property
    def total(self) -> Float[Tensor, ""]:
        """Their sum."""
        return self.classes + self.boxes


def drawn(
    examples: Sequence[Example],
    shape: tuple[int, int, int],
    count: int,
    generator: np.random.Generator,
) -> list[Example]:
    """Crops of examples, turned over, of another contrast and with more noise, at random.

    Args:
        examples: What there is to learn from.
        shape: Voxels (z, y, x) of a crop.
        count: How many.
        generator: Where chance comes from.

    Returns:
        The crops.
    """
    crops = []
    for _ in range(count):
        example = examples[int(generator.integers(len(examples)))]
        most = [max(0, have - want) for have, want in zip(example.voxels.shape, shape, strict=True)]
        z, y, x = (int(generator.integers(free + 1)) for free in most)
        axes = tuple(axis for axis in range(3) if generator.random() < 0.5)
        crop = example.cropped((z, y, x), shape).flipped(axes)
        voxels = _seen_otherwise(crop.voxels, generator)
        crops.append(Example(voxels=voxels, boxes=crop.boxes, classes=crop.classes))
    return crops


def _seen_otherwise(
    voxels: Float32[np.ndarray, "z y x"], generator: np.random.Generator
) -> Float32[np.ndarray, "z y x"]:
    """The same in a tomogram that was smoother, of another contrast, and noisier."""
    width = generator.uniform(0, _BLUR)
    blurred = ndimage.gaussian_filter(voxels, width)
    gain = np.exp(generator.uniform(*np.log(_GAIN))) * voxels.std() / (blurred.std() + 1e-6)
    noise = generator.standard_normal(voxels.shape, dtype=np.float32)
    seen: Float32[np.ndarray, "z y x"] = (
        np.float32(gain) * blurred + np.float32(generator.uniform(0, _NOISE)) * noise
    )
    return seen


def losses(network: RetinaNet, crops: Sequence[Example]) -> StepLosses:
    """What the network does wrong on a batch of crops.

    Args:
        network: In training, on any device.
        crops: All of one shape.

    Returns:
        Sums over all anchors of all crops, divided by the number of anchors that answer for a
        particle.
    """
    where = next(network.parameters()).device
    voxels = torch.from_numpy(np.stack([crop.voxels for crop in crops])[:, None]).to(where)
    logits, offsets = network(voxels)
    anchors, sizes = (part.to(where) for part in network.anchors(crops[0].voxels.shape))
    of_classes, of_boxes, answering = [], [], 0
    for crop, logit, offset in zip(crops, logits, offsets, strict=True):
        truths = torch.from_numpy(crop.boxes).to(where)
        classes = torch.from_numpy(crop.classes).to(where)
        answers, asked = asked_of_anchors(anchors, sizes, truths, crop.voxels.shape)
        found = answers != BACKGROUND
        wanted = torch.zeros_like(logit)
        wanted[found, classes[answers[found]]] = 1.0
        of_classes.append((focal_loss(logit, wanted) * asked[:, None]).sum())
        aims = encoded(truths[answers[found]], anchors[found])
        of_boxes.append(smooth_l1_loss(offset[found], aims).sum())
        answering += int(found.sum())
    share = 1 / max(1, answering)
    return StepLosses(torch.stack(of_classes).sum() * share, torch.stack(of_boxes).sum() * share)


def asked_of_anchors(
    anchors: Float[Tensor, "anchors 6"],
    sizes: Int64[Tensor, " anchors"],
    truths: Float[Tensor, "truths 6"],
    shape: tuple[int, int, int],
) -> tuple[Int64[Tensor, " anchors"], Tensor]:
    """Which truth each anchor answers for, and whether it is asked at all.

    Args:
        anchors: Shape ``(anchors, 6)``, in voxels.
        sizes: Number of each one's size, shape ``(anchors,)``.
        truths: Particles that reach into a crop, shape ``(truths, 6)``, in voxels.
        shape: Voxels (z, y, x) of the crop.

    Returns:
        Indices of truths, or `BACKGROUND`, and booleans; both of shape ``(anchors,)``. Particles
        whose centre lies beyond the crop are nobody's to find, and nobody's mistake.
    """
    high = torch.tensor(shape, device=truths.device) - 0.5
    central = ((truths[:, :3] >= -0.5) & (truths[:, :3] < high)).all(-1)
    rows = central.nonzero()[:, 0]
    answers = matched_truths(anchors, sizes, truths[rows])
    found = answers != BACKGROUND
    answers[found] = rows[answers[found]]
    beyond = intersection_over_union(anchors, truths[~central])
    unasked = (beyond > _UNASKED).any(dim=1) & ~found
    return answers, ~unasked
