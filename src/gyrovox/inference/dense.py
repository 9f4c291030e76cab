"""Codes of every voxel from one run of a dense encoder, tile by tile."""

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.inference.boxwise import BoxEncoder, embed_whole
from gyrovox.models import DenseEncoder
from gyrovox.patches import sliding_mean

TILE = 48
"""Side of a tile, in voxels; tiles are at least 36 and at most 72 voxels wide.

torch gives a convolution to oneDNN only where channels x z x y of its input exceed 20,480; below
36 voxels the second layer of `default` would run ten times slower. Large tiles wait for memory.
"""

TILE_ON_GPU = 128
"""The same on a GPU, which `TILE` leaves idle: this one is 1.9 times as fast there."""


def dense_boxes(encoder: DenseEncoder, scale: int = 1, *, with_scales: bool = False) -> BoxEncoder:
    """How a dense encoder makes codes of a box.

    Args:
        encoder: The encoder.
        scale: How many times larger than the encoder's own the patches are.
        with_scales: Whether the scale of its posterior follows each code, as one more number.

    Returns:
        What `embed_boxes` needs.
    """
    before, after = margins(encoder.patch_size, scale)
    device = encoder.head.weight.device

    def codes(box: Tensor) -> Tensor:
        patches = sliding_mean(box, scale)[None]
        if not with_scales:
            return encoder.mean_codes(patches, scale=scale)[0]
        found = encoder(patches, scale=scale)
        return torch.cat([found.mean_code, found.scale], dim=-1)[0]

    return BoxEncoder(
        codes=codes,
        before=before,
        after=after,
        more_than=max(before, after),
        dim=encoder.head.out_channels - (not with_scales),
        tile=TILE_ON_GPU if device.type == "cuda" else TILE,
        device=device,
    )


def embed_dense(
    encoder: DenseEncoder,
    voxels: Float[Tensor, "channels z y x"],
    *,
    scale: int = 1,
    tile: int | None = None,
    quiet: bool = True,
) -> Float[Tensor, "z y x dim"]:
    """The code of the patch around every voxel.

    The patch of voxel v has the side ``scale * patch_size`` and begins at
    ``v - scale * (patch_size // 2) - scale // 2``; it is averaged over cubes of ``scale`` voxels
    before it is encoded. Beyond the volume's faces the volume is mirrored.

    Args:
        encoder: The encoder.
        voxels: The normalised volume on its working grid, shape ``(channels, z, y, x)``.
        scale: How many times larger than the encoder's own the patches are.
        tile: Side of the boxes of codes that are computed at once, in voxels, within a half; by
            default what suits the device. The codes do not depend on it.
        quiet: Show no progress.

    Returns:
        Mean codes, float32, shape ``(z, y, x, dim)``.

    Raises:
        ValueError: If the volume is smaller than half a patch, and cannot be mirrored that far.
    """
    return embed_whole(voxels, dense_boxes(encoder, scale), tile=tile, quiet=quiet)


def margins(patch_size: int, scale: int) -> tuple[int, int]:
    """How far a patch reaches before and after its voxel, in voxels.

    Args:
        patch_size: Side of the encoder's patch, in voxels of its scale.
        scale: Voxels of the volume to one of the patch.

    Returns:
        Voxels before and after; they add up to ``patch_size * scale - 1``.
    """
    before = scale * (patch_size // 2) + scale // 2
    return before, patch_size * scale - 1 - before
