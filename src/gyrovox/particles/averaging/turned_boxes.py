"""Small boxes turned about their centre, in space and in frequency."""

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn import functional

_FINER = 2  # a box is interpolated on voxels of half the size


def turned_volumes(
    volume: Float32[Tensor, "box box box"], rotations: Float32[Tensor, "turns 3 3"]
) -> Float32[Tensor, "turns box box box"]:
    """A volume in many turns about the voxel at ``box // 2``.

    It is interpolated linearly between voxels of half the size, which Fourier padding gives.

    Args:
        volume: Shape (box, box, box).
        rotations: On (z, y, x) columns: what was at r is at ``rotation @ r`` then.

    Returns:
        Shape (turns, box, box, box); 0 where the volume does not reach.
    """
    box, fine = volume.shape[0], _FINER * volume.shape[0]
    spectrum = torch.fft.fftshift(torch.fft.fftn(torch.fft.ifftshift(volume)))
    edge = (fine - box) // 2
    padded = functional.pad(spectrum, [edge] * 6)
    finer = torch.fft.fftshift(torch.fft.ifftn(torch.fft.ifftshift(padded)).real) * _FINER**3
    return _sampled(finer, rotations, box)


def turned_each(
    boxes: Float32[Tensor, "n box box box"], rotations: Float32[Tensor, "n 3 3"]
) -> Float32[Tensor, "n box box box"]:
    """Boxes, each in a turn of its own, interpolated linearly.

    Args:
        boxes: Shape (n, box, box, box).
        rotations: On (z, y, x) columns: what was at r is at ``rotation @ r`` then.

    Returns:
        Shape (n, box, box, box); 0 where a box does not reach.
    """
    box = boxes.shape[1]
    turned = [_sampled(one, turn[None], box)[0] for one, turn in zip(boxes, rotations, strict=True)]
    return torch.stack(turned)


def turned_weights(
    weights: Float32[Tensor, "box box half"], rotations: Float32[Tensor, "turns 3 3"]
) -> Float32[Tensor, "turns box box half"]:
    """Weights of frequencies in many turns: frequencies turn as the box does.

    Args:
        weights: Laid out as ``rfftn`` does, shape (box, box, box // 2 + 1).
        rotations: On (z, y, x) columns: what was at k is at ``rotation @ k`` then.

    Returns:
        Shape (turns, box, box, box // 2 + 1); 0 where no weight was stored.
    """
    box = weights.shape[0]
    x = torch.arange(box, device=weights.device) - box // 2
    opposite = -torch.arange(box, device=weights.device) % box
    # The half that is stored speaks for the other one too.
    mirrored = weights[opposite][:, opposite]
    whole = torch.where(x < 0, mirrored[..., x.abs()], weights[..., x.abs()])
    centred = torch.fft.fftshift(whole, dim=(0, 1))
    turned: Tensor = torch.fft.ifftshift(_sampled(centred, rotations, box), dim=(1, 2, 3))
    return turned[..., : box // 2 + 1]


def _sampled(
    volume: Float32[Tensor, "fine fine fine"], rotations: Float32[Tensor, "turns 3 3"], box: int
) -> Float32[Tensor, "turns box box box"]:
    """Turned volumes on `box` voxels an axis, of a volume on as many or more."""
    fine = volume.shape[0]
    axis = torch.arange(box, device=volume.device, dtype=volume.dtype) - box // 2
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)
    # Row times matrix is the inverse turn: where each voxel comes from.
    places = torch.matmul(grid, rotations) * (fine / box) + fine // 2
    normalised = (2 * places / (fine - 1) - 1).flip(-1).reshape(-1, box, box, box, 3)
    turned = [
        functional.grid_sample(
            volume[None, None], one[None], mode="bilinear", padding_mode="zeros", align_corners=True
        )[0, 0]
        for one in normalised
    ]
    return torch.stack(turned)
