"""The loop that every embedding goes through: one box of codes after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.patches import tiles
from gyrovox.progress import progress


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class BoxEncoder:
    """How an encoder makes codes of a box of voxels.

    Args:
        codes: Codes ``(z, y, x, dim)`` of voxels ``(channels, z + halo, y + halo, x + halo)``,
            where the halo is ``before + after``.
        before: Voxels that it reads before the box along each axis.
        after: Voxels that it reads behind it.
        more_than: Voxels that a volume must have more of along every axis, to be mirrored that far.
        dim: Dimension of a code.
        tile: Side of the boxes that it is best given, in voxels, within a half.
        device: Where it computes.
    """

    codes: Callable[[Tensor], Tensor]
    before: int
    after: int
    more_than: int
    dim: int
    tile: int
    device: torch.device

    def check_room(self, shape: tuple[int, int, int]) -> None:
        """Refuse a volume that cannot be mirrored as far as a box at its face reaches.

        Args:
            shape: Voxels of the whole working grid along (z, y, x).

        Raises:
            ValueError: If it cannot.
        """
        if min(shape) <= self.more_than:
            raise ValueError(
                f"the volume must have more than {self.more_than} voxels along every axis to be "
                f"mirrored beyond its faces, and has shape {shape} (z, y, x)."
            )


def embed_boxes(
    padded: Float[Tensor, "channels Z Y X"],
    encoder: BoxEncoder,
    *,
    tile: int | None = None,
    quiet: bool = True,
) -> Float[Tensor, "z y x dim"]:
    """Codes of a volume, or of a region of one, from those of boxes of it.

    Args:
        padded: The voxels with the halo of the encoder around them, shape
            ``(channels, z + halo, y + halo, x + halo)``.
        encoder: What makes codes of a box.
        tile: Side of a box of codes, in voxels, within a half; by default the encoder's.
        quiet: Show no progress.

    Returns:
        Codes on the CPU, float32, shape ``(z, y, x, dim)``.
    """
    halo = encoder.before + encoder.after
    shape = (padded.shape[1] - halo, padded.shape[2] - halo, padded.shape[3] - halo)
    codes = torch.empty(*shape, encoder.dim, dtype=torch.float32)
    total = shape[0] * shape[1] * shape[2]
    with torch.inference_mode(), progress("embed", total, unit="voxels", quiet=quiet) as bar:
        for box in tiles(shape, tile or encoder.tile):
            z, y, x = (
                slice(first, last + halo) for first, last in zip(box.start, box.stop, strict=True)
            )
            codes[box.slices] = encoder.codes(padded[:, z, y, x]).to(codes)
            bar.advance(box.shape[0] * box.shape[1] * box.shape[2])
    return codes


def embed_whole(
    voxels: Float[Tensor, "channels z y x"],
    encoder: BoxEncoder,
    *,
    tile: int | None = None,
    quiet: bool = True,
) -> Float[Tensor, "z y x dim"]:
    """Codes of a volume in memory, which is mirrored beyond its faces.

    Args:
        voxels: The normalised volume on its working grid, shape ``(channels, z, y, x)``.
        encoder: What makes codes of a box.
        tile: As for `embed_boxes`.
        quiet: Show no progress.

    Returns:
        Codes on the CPU, float32, shape ``(z, y, x, dim)``.

    Raises:
        ValueError: If the volume is too small to be mirrored that far.
    """
    encoder.check_room((voxels.shape[1], voxels.shape[2], voxels.shape[3]))
    margins = (encoder.before, encoder.after) * 3
    padded = nn.functional.pad(voxels[None], margins, mode="reflect")[0]
    return embed_boxes(padded, encoder, tile=tile, quiet=quiet)
