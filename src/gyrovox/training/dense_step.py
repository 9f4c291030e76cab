"""Encode a scale pyramid once, then rebuild patches and draw triplets by looking codes up."""

from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gyrovox.models import DenseEncoder, HyperbolicVAE, Posterior, evidence, triplet_loss
from gyrovox.patches import Cubes, scale_pyramid, scale_weights
from gyrovox.patches.tilt_wedge import TiltRange
from gyrovox.settings import TrainingSettings
from gyrovox.training.step import Step, StepLoss, step_loss
from gyrovox.training.turned_view import Turn, as_seen_turned, drawn_turn

_CROP_TRIES = 20
# Weight of what turned views disagree by. Measured: docs/decisions/0011.
_DISAGREEMENT = 5.0
_LEAST_SPREAD = 1e-12  # of codes that are all the same


@final
class DenseStep(Step):
    """One step of a dense model: a crop, its pyramid, one encoding of each level.

    Every place of a level stands for a cube: the patch that its latent, a code or a volume of
    codes, was made from. Parents are drawn from coarse levels, children and strangers from finer
    ones.

    Args:
        vae: A model with a `DenseEncoder`.
        settings: How it learns.

    Raises:
        TypeError: If the model's encoder is not dense.
    """

    def __init__(self, vae: HyperbolicVAE, settings: TrainingSettings) -> None:
        if not isinstance(vae.encoder, DenseEncoder):
            raise TypeError(f"the encoder must be dense, and is {type(vae.encoder).__name__}.")
        self.vae = vae
        self.encoder = vae.encoder
        self.settings = settings
        self.target_size = vae.settings.output_size
        self.patch_size = vae.settings.receptive_size

    def loss(
        self, voxels: Float[Tensor, "channels z y x"], *, generator: torch.Generator
    ) -> StepLoss:
        """The loss on one crop of a volume."""
        side = self.settings.crop_size + self.encoder.patch_size - 1
        crop = varied_crop(voxels, side, generator=generator)
        levels = scale_pyramid(crop, self.settings.scales, smallest=self.patch_size)
        maps = {scale: self._posteriors(level) for scale, level in levels.items()}
        triplet = self._triplet_loss(maps, generator)
        # The finest level alone: rebuilding coarse patches too cost .02 of Dice at levels 2 and 3.
        posterior, targets = self._patches(levels[1], maps[1], generator)
        found = step_loss(evidence(self.vae, posterior, targets), triplet, self.settings)
        if self.settings.missing_wedge is None:
            return found
        apart = self._disagreement(crop, maps, self.settings.missing_wedge, generator)
        return replace(found, total=found.total + _DISAGREEMENT * apart)

    def _disagreement(
        self,
        crop: Float[Tensor, "channels z y x"],
        maps: dict[int, Posterior],
        tilt_range: TiltRange,
        generator: torch.Generator,
    ) -> Float[Tensor, ""]:
        """How far codes are from those of the same places, had the specimen been turned.

        Squared, relative to the distance from those of other places; the mean over levels. Not
        relative to the posteriors' variances: codes then agree by saying less.
        """
        turn = drawn_turn(generator)
        other = as_seen_turned(crop, turn, tilt_range)
        levels = scale_pyramid(other, self.settings.scales, smallest=self.patch_size)
        gaps = []
        for scale, level in levels.items():
            here = maps[scale].mean_code.flatten(0, 2)
            there = self._turned_codes(level, turn).flatten(0, 2)
            elsewhere = there[torch.randperm(len(there), generator=generator).to(there.device)]
            near, far = (
                self.vae.manifold.code_distance(here, other).square().mean()
                for other in (there, elsewhere)
            )
            gaps.append(near / far.clamp(min=_LEAST_SPREAD))
        return torch.stack(gaps).mean()

    def _turned_codes(
        self, level: Float[Tensor, "channels z y x"], turn: Turn
    ) -> Float[Tensor, "Z Y X dim"]:
        """Codes of a turned level, turned back: at the places that they are of."""
        # Of a level, not of the crop: what does not fill a voxel of it is at the far end before
        # and after, and places stay where they are.
        found = self._posteriors(turn.of(level.movedim(0, -1)).movedim(-1, 0))
        return turn.back(found.mean_code)

    def _posteriors(self, level: Float[Tensor, "channels z y x"]) -> Posterior:
        found = self.encoder(level[None])
        return Posterior(found.mean_code[0], found.scale[0])

    def _patches(
        self,
        voxels: Float[Tensor, "channels z y x"],
        posteriors: Posterior,
        generator: torch.Generator,
    ) -> tuple[Posterior, Float[Tensor, "patches channels size size size"]]:
        """Posteriors at random places of the finest level, and jittered patches around them."""
        count = self.settings.positions
        place = self._places(posteriors, count, generator)
        found = Posterior(
            self._look_up(posteriors.mean_code, place), self._look_up(posteriors.scale, place)
        )
        shift = jitter(count, self.settings.jitter, generator=generator)
        centre = place + self.patch_size // 2 + shift
        targets = _cut(voxels, centre, self.target_size)
        flat = targets.flatten(1)
        varied = flat.amax(-1) > flat.amin(-1)
        # Empty space has no noise to learn; a crop of nothing else is still better than no step.
        kept = varied if bool(varied.any()) else torch.ones_like(varied)
        return Posterior(found.mean_code[kept], found.scale[kept]), targets[kept]

    def _triplet_loss(
        self, maps: dict[int, Posterior], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        """The triplet loss over all pairs of a coarse and a finer level."""
        settings, manifold = self.settings, self.vae.manifold
        pairs = [(coarse, fine) for coarse in maps for fine in maps if coarse > fine]
        if not pairs or settings.triplet_weight == 0:
            return next(iter(maps.values())).scale.new_zeros(())
        weights = scale_weights([coarse for coarse, _ in pairs], settings.scale_sampling)
        losses = []
        for (coarse, fine), weight in zip(pairs, weights.tolist(), strict=True):
            count = max(1, round(weight * settings.triplets))
            parent, child, stranger = self._draw(maps, coarse, fine, count, generator)
            codes = maps[fine].mean_code
            losses.append(
                weight
                * triplet_loss(
                    manifold,
                    self._look_up(maps[coarse].mean_code, parent),
                    self._look_up(codes, child),
                    self._look_up(codes, stranger),
                    margin=settings.triplet_margin,
                )
            )
        return torch.stack(losses).sum()

    def _draw(
        self,
        maps: dict[int, Posterior],
        coarse: int,
        fine: int,
        count: int,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Places of parents in the coarse map, of children and strangers in the fine one."""
        parent = self._places(maps[coarse], count, generator)
        # A patch at place i of level s covers the voxels from s * i to s * (i + patch_size), so
        # the patches inside a parent begin at these places, both included.
        first = -(-parent * coarse // fine)
        last = (parent * coarse + self.patch_size * (coarse - fine)) // fine
        share = torch.rand((count, 3), generator=generator)
        # The minimum is for shares that float32 rounds up to the next place.
        child = torch.minimum(first + (share * (last - first + 1)).long(), last)
        stranger = self._places(maps[fine], count, generator)
        apart = ~self._cubes(stranger, fine).overlaps(self._cubes(parent, coarse))
        # Where the scales do not divide each other, a narrow parent may have no child on the grid.
        kept = apart & (last >= first).all(dim=-1)
        return parent[kept], child[kept], stranger[kept]

    def _cubes(self, place: Int[Tensor, "cubes 3"], scale: int) -> Cubes:
        side = float(self.patch_size * scale)
        return Cubes((place * scale).float(), torch.full((len(place),), side))

    def _places(
        self, posteriors: Posterior, count: int, generator: torch.Generator
    ) -> Int[Tensor, "count 3"]:
        """Uniform indices (z, y, x) of the first codes of latents in a map."""
        z, y, x = posteriors.scale.shape[:3]
        reach = self.patch_size - self.encoder.patch_size
        return torch.stack(
            [torch.randint(size - reach, (count,), generator=generator) for size in (z, y, x)],
            dim=-1,
        )

    def _look_up(
        self, maps: Float[Tensor, "z y x dim"], place: Int[Tensor, "count 3"]
    ) -> Float[Tensor, "count *sides dim"]:
        """Latents at places of a map: codes, or volumes of codes that begin there."""
        side, spacing = self.vae.settings.latent_side, self.vae.settings.latent_spacing
        place = place.to(maps.device)
        if side == 1:
            z, y, x = place.unbind(-1)
            return maps[z, y, x]
        return _windows(maps, place, spacing * torch.arange(side, device=maps.device))


def varied_crop(
    voxels: Float[Tensor, "channels z y x"], side: int, *, generator: torch.Generator
) -> Float[Tensor, "channels Z Y X"]:
    """A cube cut at random out of a volume, drawn again while it is constant.

    Args:
        voxels: Shape ``(channels, z, y, x)``.
        side: Side of the cube, in voxels; shorter axes are taken whole.
        generator: Where the places come from.

    Returns:
        Shape ``(channels, min(side, z), min(side, y), min(side, x))``.
    """
    shape = tuple(min(side, length) for length in voxels.shape[1:])
    for _ in range(_CROP_TRIES):
        z, y, x = (
            int(torch.randint(length - size + 1, (), generator=generator))
            for length, size in zip(voxels.shape[1:], shape, strict=True)
        )
        crop = voxels[:, z : z + shape[0], y : y + shape[1], x : x + shape[2]]
        if bool((crop.amax((1, 2, 3)) > crop.amin((1, 2, 3))).any()):
            break
    return crop


def jitter(count: int, reach: int, *, generator: torch.Generator) -> Int[Tensor, "count 3"]:
    """Whole shifts (z, y, x), uniform in the ball of radius ``reach + 1/2`` without its centre.

    Leaving the centre out keeps the noise of the code's own voxel from being worth a code.

    Args:
        count: Number of shifts.
        reach: Largest shift along an axis, in voxels; 0 gives no shift.
        generator: Where the random numbers come from.

    Returns:
        Shape ``(count, 3)``.
    """
    if reach == 0:
        return torch.zeros(count, 3, dtype=torch.int64)
    steps = torch.arange(-reach, reach + 1)
    cube = torch.cartesian_prod(steps, steps, steps)
    length = cube.square().sum(-1)
    ball = cube[(length > 0) & (length <= (reach + 0.5) ** 2)]
    return ball[torch.randint(len(ball), (count,), generator=generator)]


def _cut(
    level: Float[Tensor, "channels z y x"], centre: Int[Tensor, "count 3"], size: int
) -> Float[Tensor, "count channels size size size"]:
    """The cubes of ``size`` voxels around places of a level."""
    cut = _windows(level.movedim(0, -1), centre, torch.arange(size) - size // 2)
    return cut.movedim(-1, 1)


def _windows(
    volume: Float[Tensor, "z y x channels"],
    place: Int[Tensor, "count 3"],
    offset: Int[Tensor, "side"],
) -> Float[Tensor, "count side side side channels"]:
    """What a volume has at places with the same offsets added along every axis."""
    z, y, x = (place[:, axis, None] + offset for axis in range(3))
    return volume[z[:, :, None, None], y[:, None, :, None], x[:, None, None, :]]
