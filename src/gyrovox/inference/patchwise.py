"""Codes of every voxel from the published encoder, which takes patches one by one.

Two things are shared or folded here, without changing the result: the first convolution does not
pad, so it runs once over the whole volume; the last two run on grids of 4 and 2 voxels a side,
where most taps fall on padding, so each is a small matrix. (The second is larger as a matrix than
as a convolution, and four times as slow.)
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.inference.boxwise import BoxEncoder, embed_whole
from gyrovox.models import PatchEncoder
from gyrovox.models.posterior import positive

TILE = 16
"""Side of a tile, in voxels."""

_BATCH = 512


@final
class FoldedEncoder:
    """A patch encoder with its last two convolutions folded into the matrices that they are.

    Args:
        encoder: The encoder; its parameters are read once, here.
    """

    def __init__(self, encoder: PatchEncoder) -> None:
        convolutions = [layer for layer in encoder.convolutions if isinstance(layer, nn.Conv3d)]
        self.first, self.second = convolutions[:2]
        self.matrices = [
            _as_matrix(layer, side) for layer, side in zip(convolutions[2:], (4, 2), strict=True)
        ]
        self.encoder = encoder

    def posteriors(
        self, features: Float[Tensor, "batch filters 6 6 6"]
    ) -> Float[Tensor, "batch numbers"]:
        """Mean codes and scales from what the first convolution (and its ReLU) made of patches."""
        rows = torch.relu(self.second(features)).flatten(1)
        for matrix, bias in self.matrices:
            rows = torch.relu(torch.addmm(bias, rows, matrix))
        head = self.encoder.head(torch.relu(self.encoder.hidden(rows)))
        return torch.cat([head[:, :-1], positive(head[:, -1:])], dim=-1)


def patchwise_boxes(
    encoder: PatchEncoder, side: int = 5, *, with_scales: bool = False
) -> BoxEncoder:
    """How the published encoder makes codes of a box.

    Args:
        encoder: The encoder; its parameters are read once, here.
        side: Side of the cube around a voxel, in voxels (paper: 5); it divides 10.
        with_scales: Whether the scale of its posterior follows each code, as one more number.

    Returns:
        What `embed_boxes` needs.

    Raises:
        ValueError: If ``side`` does not divide 10.
    """
    if side < 1 or encoder.patch_size % side:
        raise ValueError(
            f"side must divide {encoder.patch_size}, so that the volume is interpolated once for "
            f"all patches, and is {side}. Pass 1, 2, 5 or 10."
        )
    folded = FoldedEncoder(encoder)
    numbers = encoder.head.out_features - (not with_scales)

    def codes(box: Tensor) -> Tensor:
        return _embed_box(folded, box, side)[..., :numbers]

    # One more voxel on each side: the interpolation at a cube's face looks beyond it.
    return BoxEncoder(
        codes=codes,
        before=side // 2 + 1,
        after=side - side // 2,
        more_than=side,
        dim=numbers,
        tile=TILE,
        device=encoder.head.weight.device,
    )


def embed_patchwise(
    encoder: PatchEncoder,
    voxels: Float[Tensor, "channels z y x"],
    *,
    side: int = 5,
    tile: int = TILE,
    quiet: bool = True,
) -> Float[Tensor, "z y x dim"]:
    """The code of the patch around every voxel.

    The cube of ``side`` voxels around a voxel is brought to 10 voxels a side by linear
    interpolation on the grid of the whole volume. Beyond the volume's faces it is mirrored.

    Args:
        encoder: The encoder.
        voxels: The normalised volume on its working grid, shape ``(channels, z, y, x)``.
        side: Side of the cube, in voxels (paper: 5); it divides 10, so 1, 2, 5 or 10.
        tile: Side of the boxes of codes that are computed at once, in voxels, within a half. The
            codes do not depend on it.
        quiet: Show no progress.

    Returns:
        Mean codes, float32, shape ``(z, y, x, dim)``.

    Raises:
        ValueError: If ``side`` does not divide 10, or the volume is smaller than half a cube.
    """
    return embed_whole(voxels, patchwise_boxes(encoder, side), tile=tile, quiet=quiet)


def _embed_box(
    folded: FoldedEncoder, voxels: Float[Tensor, "channels Z Y X"], side: int
) -> Float[Tensor, "z y x numbers"]:
    """Codes and scales of a box that is given with ``side + 1`` voxels around it on each axis."""
    size = folded.encoder.patch_size
    factor = size // side
    fine = nn.functional.interpolate(
        voxels[None], scale_factor=factor, mode="trilinear", align_corners=False
    )[:, :, factor:-factor, factor:-factor, factor:-factor]
    # Patch v begins at fine voxel factor * v and is 10 wide; its features are 6 wide.
    windows = torch.relu(folded.first(fine))[0]
    for axis in range(1, 4):
        windows = windows.unfold(axis, size - 4, factor)
    # Channels last, which is half again as fast for the second convolution.
    rows = windows.permute(1, 2, 3, 4, 5, 6, 0).flatten(0, 2).movedim(-1, 1)
    found = torch.cat([folded.posteriors(batch) for batch in torch.split(rows, _BATCH)])
    return found.view(*windows.shape[1:4], -1)


def _as_matrix(
    layer: nn.Conv3d, side: int
) -> tuple[Float[Tensor, "inputs outputs"], Float[Tensor, "outputs"]]:
    """The matrix and bias that a convolution is on cubes of a fixed side, channels first."""
    channels = layer.in_channels
    unit = torch.eye(channels * side**3, device=layer.weight.device)
    with torch.inference_mode():
        images = nn.functional.conv3d(
            unit.view(-1, channels, side, side, side), layer.weight, padding=layer.padding
        )
    bias = layer.get_parameter("bias").detach()
    per_voxel = images[0, 0].numel()
    return images.flatten(1), bias.repeat_interleave(per_voxel)
