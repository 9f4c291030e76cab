"""The loop that every embedding goes through: one box of codes after the other."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.patches import tiles
from gyrovox.progress import progress


def embed_boxes(
    padded: Float[Tensor, "channels Z Y X"],
    embed_box: Callable[[Tensor], Tensor],
    *,
    halo: int,
    dim: int,
    tile: int,
    quiet: bool,
) -> Float[Tensor, "z y x dim"]:
    """Codes of a volume from those of boxes of it.

    Args:
        padded: The volume with its margins, shape ``(channels, z + halo, y + halo, x + halo)``.
        embed_box: Codes ``(z, y, x, dim)`` of voxels ``(channels, z + halo, y + halo, x + halo)``.
        halo: Voxels of both margins together.
        dim: Dimension of a code.
        tile: Side of a box of codes, in voxels, within a half.
        quiet: Show no progress.

    Returns:
        Codes on the CPU, float32, shape ``(z, y, x, dim)``.
    """
    shape = (padded.shape[1] - halo, padded.shape[2] - halo, padded.shape[3] - halo)
    codes = torch.empty(*shape, dim, dtype=torch.float32)
    total = shape[0] * shape[1] * shape[2]
    with torch.inference_mode(), progress("embed", total, unit="voxels", quiet=quiet) as bar:
        for box in tiles(shape, tile):
            z, y, x = (
                slice(first, last + halo) for first, last in zip(box.start, box.stop, strict=True)
            )
            codes[box.slices] = embed_box(padded[:, z, y, x]).to(codes)
            bar.advance(box.shape[0] * box.shape[1] * box.shape[2])
    return codes
