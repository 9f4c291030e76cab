"""Codes of every voxel from the published encoder, which takes patches one by one.

Done literally this costs 15 million multiplications a voxel. Two things are shared or folded here,
without changing the result: the first convolution does not pad, so it runs once over the whole
volume; the other three run on grids that never change, so each is one matrix.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.models import PatchEncoder
from gyrovox.patches import tiles
from gyrovox.progress import progress

_TILE = 24
_BATCH = 4096


@final
class FoldedEncoder:
    """A patch encoder with each padded convolution folded into the matrix that it is.

    Args:
        encoder: The encoder; its parameters are read once, here.
    """

    def __init__(self, encoder: PatchEncoder) -> None:
        convolutions = [layer for layer in encoder.convolutions if isinstance(layer, nn.Conv3d)]
        self.first = convolutions[0]
        self.matrices = [
            _as_matrix(layer, side) for layer, side in zip(convolutions[1:], (6, 4, 2), strict=True)
        ]
        self.encoder = encoder

    def mean_codes(
        self, features: Float[Tensor, "batch filters 6 6 6"]
    ) -> Float[Tensor, "batch dim"]:
        """Mean codes from what the first convolution (and its ReLU) made of patches."""
        rows = features.flatten(1)
        for matrix, bias in self.matrices:
            rows = torch.relu(torch.addmm(bias, rows, matrix))
        head = self.encoder.head(torch.relu(self.encoder.hidden(rows)))
        return torch.as_tensor(head[:, :-1])


def embed_patchwise(
    encoder: PatchEncoder,
    voxels: Float[Tensor, "channels z y x"],
    *,
    side: int = 5,
    quiet: bool = True,
) -> Float[Tensor, "z y x dim"]:
    """The code of the patch around every voxel.

    The cube of ``side`` voxels around a voxel is brought to 10 voxels a side by linear
    interpolation on the grid of the whole volume. Beyond the volume's faces it is mirrored.

    Args:
        encoder: The encoder.
        voxels: The normalised volume on its working grid, shape ``(channels, z, y, x)``.
        side: Side of the cube, in voxels (paper: 5); an even divisor of 10, so 1, 2, 5 or 10.
        quiet: Show no progress.

    Returns:
        Mean codes, float32, shape ``(z, y, x, dim)``.

    Raises:
        ValueError: If ``side`` does not divide 10, or the volume is smaller than half a cube.
    """
    if side < 1 or encoder.patch_size % side:
        raise ValueError(
            f"training.embed_side must divide {encoder.patch_size}, so that the volume is "
            f"interpolated once for all patches; got {side}. Pass 1, 2, 5 or 10."
        )
    shape = (voxels.shape[1], voxels.shape[2], voxels.shape[3])
    before, after = side // 2, side - 1 - side // 2
    if min(shape) <= side:
        raise ValueError(
            f"the volume must have more than {side} voxels along every axis, and has shape "
            f"{shape} (z, y, x)."
        )
    # One more voxel on each side: the interpolation at a cube's face looks beyond it.
    padded = nn.functional.pad(voxels[None], (before + 1, after + 1) * 3, mode="reflect")
    factor = encoder.patch_size // side
    folded = FoldedEncoder(encoder)
    dim = encoder.head.out_features - 1
    codes = voxels.new_empty(*shape, dim, dtype=torch.float32, device="cpu")
    total = shape[0] * shape[1] * shape[2]
    with torch.inference_mode(), progress("embed", total, unit="voxels", quiet=quiet) as bar:
        for tile in tiles(shape, _TILE):
            z, y, x = (
                slice(first, last + side + 1)
                for first, last in zip(tile.start, tile.stop, strict=True)
            )
            fine = nn.functional.interpolate(
                padded[:, :, z, y, x], scale_factor=factor, mode="trilinear", align_corners=False
            )[:, :, factor:-factor, factor:-factor, factor:-factor]
            features = torch.relu(folded.first(fine))[0]
            # Patch v begins at fine voxel factor * v and is 10 wide; its features are 6 wide.
            windows = features
            for axis in range(1, 4):
                windows = windows.unfold(axis, 6, factor)
            rows = windows.permute(1, 2, 3, 0, 4, 5, 6).flatten(0, 2)
            found = torch.cat([folded.mean_codes(batch) for batch in torch.split(rows, _BATCH)])
            codes[tile.slices] = found.view(*tile.shape, dim).to(codes)
            bar.advance(tile.shape[0] * tile.shape[1] * tile.shape[2])
    return codes


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
    bias = torch.zeros(layer.out_channels) if layer.bias is None else layer.bias.detach()
    per_voxel = images[0, 0].numel()
    return images.flatten(1), bias.repeat_interleave(per_voxel)
