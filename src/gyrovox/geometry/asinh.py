"""Asinh in a few vectorised passes, alone and after a matrix product."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx


def fast_asinh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    r"""asinh(x) = ± log1p(a + a² / (1 + √(1 + a²))), a = |x|.

    ``torch.asinh`` takes 29 ns an element on a CPU, for want of a vectorised kernel; this takes 2,
    with the same accuracy for either sign.

    Args:
        x: Any numbers with x² finite, shape ``(*shape,)``.

    Returns:
        Their inverse hyperbolic sines, shape ``(*shape,)``.
    """
    result: Tensor = _Asinh.apply(x)  # type: ignore[no-untyped-call]
    return result


def asinh_of_products(
    rows: Float[Tensor, "n size"],
    planes: Float[Tensor, "planes size"],
    factor: Float[Tensor, " planes"],
) -> Float[Tensor, "n planes"]:
    r"""Asinh of a matrix product, factor · asinh(rows planesᵀ), a block of rows at a time.

    Each pass over a large result costs more in memory than in arithmetic. Blocks stay in the cache
    and only the result is kept: backward multiplies again. Where its own derivative is asked
    for, it does so without blocks.

    Args:
        rows: Left factor of the product, shape ``(n, size)``, size small.
        planes: Right factor, shape ``(planes, size)``.
        factor: What each column is multiplied by, shape ``(planes,)``.

    Returns:
        Shape ``(n, planes)``.
    """
    result: Tensor = _AsinhOfProducts.apply(rows, planes, factor)  # type: ignore[no-untyped-call]
    return result


class _Asinh(Function):
    """Backward is from x alone, so that it can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return _asinh(x)

    @staticmethod
    def setup_context(ctx: object, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])  # type: ignore[attr-defined]

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return gradient * torch.addcmul(_one(x), x, x).rsqrt()


class _AsinhOfProducts(Function):
    """Saves the factors and not their product."""

    @staticmethod
    def forward(rows: Tensor, planes: Tensor, factor: Tensor) -> Tensor:
        result = rows.new_empty(len(rows), len(planes))
        for part in _blocks(result):
            torch.mul(_asinh(rows[part] @ planes.mT), factor, out=result[part])
        return result

    @staticmethod
    def setup_context(
        ctx: FunctionCtx, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor
    ) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, planes, factor = ctx.saved_tensors  # type: ignore[attr-defined]
        if torch.is_grad_enabled():
            # A second derivative may follow: the same by operations that have one.
            x = rows @ planes.mT
            slope = gradient * factor * torch.addcmul(_one(x), x, x).rsqrt()
            return slope @ planes, slope.mT @ rows, (fast_asinh(x) * gradient).sum(0)
        to_rows = torch.empty_like(rows)
        to_planes, to_factor = torch.zeros_like(planes), torch.zeros_like(factor)
        for part in _blocks(gradient):
            x = rows[part] @ planes.mT
            to_factor += (_asinh(x) * gradient[part]).sum(0)
            slope = torch.addcmul(_one(x), x, x).rsqrt_().mul_(gradient[part]).mul_(factor)
            torch.mm(slope, planes, out=to_rows[part])
            to_planes.addmm_(slope.mT, rows[part])
        return to_rows, to_planes, to_factor


def _asinh(x: Tensor) -> Tensor:
    """Asinh without a graph, on two buffers."""
    size = x.abs()
    share = torch.addcmul(_one(x), x, x).sqrt_().add_(1).reciprocal_().mul_(size)
    return share.mul_(size).add_(size).log1p_().copysign_(x)


def _one(like: Tensor) -> Tensor:
    """The number 1 where another tensor is."""
    return torch.ones((), dtype=like.dtype, device=like.device)


def _blocks(result: Tensor) -> Iterator[slice]:
    """Slices of rows that fit into a core's cache; one of all rows where launching costs more."""
    rows, planes = result.shape
    # 4 MiB of float32. Smaller blocks gain nothing and wait for other threads more often.
    length = max(1, 2**20 // max(1, planes)) if result.device.type == "cpu" else max(1, rows)
    for start in range(0, rows, length):
        yield slice(start, start + length)
