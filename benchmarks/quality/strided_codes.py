"""Codes of the published patch encoder at every n-th voxel, and between them interpolated."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gyrovox.inference import FoldedEncoder
from gyrovox.models import PatchEncoder

_BATCH = 512


def stride_for(shape: tuple[int, ...], most: int) -> int:
    """The smallest stride along each axis with no more than so many codes.

    Args:
        shape: Voxels along (z, y, x).
        most: Codes that there is time for.
    """
    stride = 1
    while np.prod([-(-side // stride) for side in shape]) > most:
        stride += 1
    return stride


def strided_codes(
    encoder: PatchEncoder,
    voxels: NDArray[np.float32],
    *,
    side: int,
    stride: int,
    device: torch.device,
) -> NDArray[np.float32]:
    """The code of the patch around every voxel: computed at every n-th, linear between them.

    Codes are tangent vectors at the origin, of which means make sense. With stride 1 they are
    those of `gyrovox.inference.embed_patchwise`.

    Args:
        encoder: The published encoder, on the device.
        voxels: Normalised, shape (channels, z, y, x).
        side: Side of the cube around a voxel, in voxels; it divides the encoder's patch.
        stride: Distance of the computed codes along each axis, in voxels.
        device: Where it computes.

    Returns:
        Shape (z, y, x, dim).
    """
    folded, factor = FoldedEncoder(encoder), encoder.patch_size // side
    around = torch.from_numpy(voxels)[None]
    before, after = side // 2 + 1, side - side // 2
    padded = nn.functional.pad(around, (before, after) * 3, mode="reflect")[0]
    grid = [range(0, length, stride) for length in voxels.shape[1:]]
    sparse = torch.empty(*(len(axis) for axis in grid), encoder.head.out_features - 1)
    with torch.inference_mode():
        for row, z in enumerate(grid[0]):
            slab = padded[:, z : z + before + after + 1].to(device)
            sparse[row] = _row_of_codes(folded, slab, factor, stride).cpu()
    return _between(sparse, voxels.shape[1:], stride)


def _row_of_codes(folded: FoldedEncoder, slab: Tensor, factor: int, stride: int) -> Tensor:
    """Codes of one section, of the voxels (channels, side + 2, Y, X) around it."""
    size = folded.encoder.patch_size
    fine = nn.functional.interpolate(
        slab[None], scale_factor=factor, mode="trilinear", align_corners=False
    )[:, :, factor:-factor, factor:-factor, factor:-factor]
    windows = torch.relu(folded.first(fine))[0, :, : size - 4]  # (filters, 6, Y, X)
    for axis in (2, 3):
        windows = windows.unfold(axis, size - 4, factor * stride)
    # From (filters, 6, y, x, 6, 6) to one row a patch.
    rows = windows.permute(2, 3, 0, 1, 4, 5).flatten(0, 1)
    codes = torch.cat([folded.posteriors(batch) for batch in torch.split(rows, _BATCH)])
    return codes[:, :-1].view(*windows.shape[2:4], -1)


def _between(sparse: Tensor, shape: tuple[int, ...], stride: int) -> NDArray[np.float32]:
    """Codes of all voxels; beyond the last computed one along an axis, its own."""
    codes = sparse
    for axis, length in enumerate(shape):
        place = torch.arange(length) / stride
        low = place.floor().long()
        high = (low + 1).clamp(max=codes.shape[axis] - 1)
        weight = (place - low).view([-1 if one == axis else 1 for one in range(4)])
        codes = torch.lerp(
            codes.index_select(axis, low), codes.index_select(axis, high), weight.float()
        )
    return codes.contiguous().numpy()
