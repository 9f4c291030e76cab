"""What a tilt series has seen of a particle, in the frame of its reference."""

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gyrovox.patches.tilt_wedge import TiltRange, check_tilt_range

_SOFT_DEGREES = 4.0


def turned_wedges(
    rotations: Float64[np.ndarray, "n 3 3"],
    box: int,
    tilt_range: TiltRange | None,
    *,
    device: torch.device | None = None,
) -> Float[Tensor, "n z y half"]:
    """How much of each frequency of a turned sub-volume was seen.

    A box that holds the tomogram at ``position + rotation @ r`` has at frequency k what the
    tomogram has at ``rotation @ k``.

    Args:
        rotations: What takes the reference to the particle, on (z, y, x) columns, shape (n, 3, 3).
        box: Side of the boxes in voxels.
        tilt_range: First and last tilt about y in degrees; None where everything was seen.
        device: Where the weights are to be.

    Returns:
        Weights from 0 to 1, laid out as `torch.fft.rfftn` does, shape (n, box, box, box // 2 + 1).
        Edges are soft over some degrees.

    Raises:
        SettingsError: If the range is none.
    """
    half = box // 2 + 1
    if tilt_range is None:
        return torch.ones(len(rotations), box, box, half, device=device)
    check_tilt_range(tilt_range)
    low, high = tilt_range
    whole = torch.fft.fftfreq(box, device=device)
    axes = torch.meshgrid(whole, whole, torch.fft.rfftfreq(box, device=device), indexing="ij")
    frequencies = torch.stack([axis.reshape(-1) for axis in axes])
    turns = torch.from_numpy(rotations).to(frequencies)
    k_z = turns[:, 0] @ frequencies
    k_x = turns[:, 2] @ frequencies
    # A frequency and its negative are one and the same.
    angle = torch.rad2deg(torch.atan2(torch.where(k_x < 0, -k_z, k_z), k_x.abs()))
    inside = torch.minimum(angle - low, high - angle)
    weights = (0.5 + inside / _SOFT_DEGREES).clamp(0, 1)
    # The turning axis is in every image; near it a box resolves no angle.
    weights[torch.hypot(k_z, k_x) < 0.5 / box] = 1
    return weights.reshape(-1, box, box, half)
