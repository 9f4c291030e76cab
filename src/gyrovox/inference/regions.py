"""Codes of a region of a volume that need not fit in memory."""

import numpy as np
import torch
from jaxtyping import Float32

from gyrovox.errors import VolumeError
from gyrovox.inference.boxwise import BoxEncoder, embed_boxes
from gyrovox.inference.dense import dense_boxes
from gyrovox.inference.patchwise import patchwise_boxes
from gyrovox.models import DenseEncoder, PatchEncoder
from gyrovox.patches import WorkingGrid
from gyrovox.volumes import Normalisation, Region, Volume


def embed_region(
    encoder: DenseEncoder | PatchEncoder,
    volume: Volume,
    normalisation: Normalisation | None,
    region: Region,
    *,
    side_patchwise: int = 5,
    scale: int = 1,
    with_scales: bool = False,
    quiet: bool = True,
) -> Float32[np.ndarray, "z y x dim"]:
    """The code of the patch around every voxel of a region.

    Read is the region with as much around it as its patches reach; the volume is mirrored beyond
    its faces only. So the codes of regions together are those of the whole, to float32 rounding.

    Args:
        encoder: The encoder; its device computes.
        volume: What the region is of.
        normalisation: How its voxels are normalised; None if they are already.
        region: Voxels of the volume.
        side_patchwise: Side of the cube around a voxel that a patch encoder reads, in voxels of
            the working grid; it divides 10.
        scale: How many times larger than the encoder's own the patches of a dense one are.
        with_scales: Whether the scale of its posterior follows each code, as one more number.
        quiet: Show no progress.

    Returns:
        Mean codes, float32, shape ``(*region.shape, dim)``, or ``(*region.shape, dim + 1)``.

    Raises:
        ValueError: If the volume is smaller than half a patch, or ``side_patchwise`` does not
            divide 10.
        VolumeError: If the region reaches beyond the volume.
    """
    if not region.lies_in(volume.spatial_shape):
        raise VolumeError(
            f"{volume.name}: a region must lie in the volume of {volume.spatial_shape} voxels "
            f"(z, y, x), and {region.start} to {region.stop} came"
        )
    boxes = _boxes(encoder, side_patchwise=side_patchwise, scale=scale, with_scales=with_scales)
    grid = WorkingGrid(volume.spatial_shape, volume.voxel_size_nm)
    boxes.check_room(grid.working_shape)
    back = grid.back(region)
    onto = grid.onto(back.region, before=boxes.before, after=boxes.after)
    voxels = volume.read(onto.region)
    prepared = voxels if normalisation is None else normalisation.apply(voxels)
    padded = onto.interpolated(torch.from_numpy(prepared)).to(boxes.device)
    codes = embed_boxes(padded, boxes, quiet=quiet)
    maps = back.interpolated(codes.movedim(-1, 0)).movedim(0, -1)
    return maps.contiguous().numpy()


def _boxes(
    encoder: DenseEncoder | PatchEncoder, *, side_patchwise: int, scale: int, with_scales: bool
) -> BoxEncoder:
    if isinstance(encoder, DenseEncoder):
        return dense_boxes(encoder, scale, with_scales=with_scales)
    return patchwise_boxes(encoder, side_patchwise, with_scales=with_scales)
