"""The parameters of a model as arrays, for files, and back."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from gyrovox.models.hyperbolic_vae import HyperbolicVAE
from gyrovox.settings import ModelSettings


def parameters(vae: HyperbolicVAE) -> dict[str, NDArray[np.generic]]:
    """What a model has learned.

    Args:
        vae: The model, on any device.

    Returns:
        Arrays by name.
    """
    return {name: value.cpu().numpy() for name, value in vae.state_dict().items()}


def with_parameters(
    settings: ModelSettings, in_channels: int, arrays: Mapping[str, NDArray[np.generic]]
) -> HyperbolicVAE:
    """The model that `parameters` was taken from, on the CPU, ready to be used.

    Args:
        settings: What the network is.
        in_channels: Channels of the volumes.
        arrays: Its parameters by name.

    Returns:
        The model.

    Raises:
        ValueError: If names, shapes or types are not those of the network.
    """
    if in_channels < 1:
        raise ValueError(f"in_channels must be at least 1, got {in_channels}.")
    for name, array in arrays.items():
        if array.dtype != np.float32:
            raise ValueError(f"{name} must be float32, and is {array.dtype}.")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, and is not.")
    # On no device: no parameter is drawn, and no memory is taken for shapes that are not there.
    try:
        with torch.device("meta"):
            vae = HyperbolicVAE(settings, in_channels=in_channels)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"no network can be as large as {settings}.") from error
    try:
        vae.load_state_dict(
            {name: torch.from_numpy(array) for name, array in arrays.items()}, assign=True
        )
    except RuntimeError as error:
        raise ValueError(" ".join(str(error).split())) from error
    return vae.eval()
