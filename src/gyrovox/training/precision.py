"""Encoding in bfloat16 on a GPU, where only training's speed is at stake."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from gyrovox.models import Posterior
from gyrovox.settings import Precision


@contextmanager
def encoding_in(precision: Precision, encoder: nn.Module, where: torch.device) -> Iterator[None]:
    """Inside, an encoder computes in a precision; its posteriors stay float32.

    The decoder stays in float32: it begins with distances on the ball, which need the digits.

    Args:
        precision: ``float32``, or ``bfloat16``, which does nothing on a CPU.
        encoder: What computes posteriors.
        where: The device that it is on.

    Yields:
        Nothing.
    """
    if precision == "bfloat16" and where.type == "cuda":
        with autocast_encoder(encoder, where.type):
            yield
    else:
        yield


@contextmanager
def autocast_encoder(encoder: nn.Module, device_type: str) -> Iterator[None]:
    """Inside, an encoder's convolutions and products are in bfloat16, on any device.

    Args:
        encoder: What computes posteriors.
        device_type: ``cuda`` or ``cpu``.

    Yields:
        Nothing.
    """
    entered = ExitStack()

    def before(_module: nn.Module, _arguments: object) -> None:
        entered.enter_context(torch.autocast(device_type, torch.bfloat16))

    def after(_module: nn.Module, _arguments: object, found: Posterior | None) -> Posterior | None:
        entered.close()
        if found is None:  # forward has raised
            return None
        return Posterior(found.mean_code.float(), found.scale.float())

    handles = [
        encoder.register_forward_pre_hook(before),
        encoder.register_forward_hook(after, always_call=True),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
