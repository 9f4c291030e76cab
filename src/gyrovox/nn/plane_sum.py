"""Sums of signed distances to gyroplanes over windows, in memory that does not grow with them."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx

from gyrovox.geometry.asinh import fast_asinh
from gyrovox.geometry.curvature import Curvature, root_of
from gyrovox.geometry.gyroplane import lift_within_reach, lorentz_normal

from .window import Window

# Slices of (batch, codes or groups, entries or members, z, y, x).
_Part: TypeAlias = tuple[slice, ...]

# Distances that are computed at a time. On a CPU they should stay in the cache; smaller blocks make
# threads wait for one another. Elsewhere launching costs more.
_BLOCK_ON_CPU = 2**19
_BLOCK = 2**24


def plane_sum(
    codes: Float[Tensor, "batch codes dim z y x"],
    normals: Float[Tensor, "offsets codes members dim"],
    offsets: Float[Tensor, "offsets codes members"],
    *,
    window: Window,
    groups: int = 1,
    transposed: bool = False,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "batch features z_out y_out x_out"]:
    r"""Scaled signed distances to gyroplanes, summed over the codes of a window.

    .. math:: y_o(r) = \sum_m \sum_δ 2 ‖Z_{omδ}‖ \, d(\exp_0 u_m(r + δ), H_{omδ})

    m runs over the codes of a voxel in the group of o. One block of voxels and one δ are computed
    at a time, forward and backward: neither the windows nor the distances are ever kept.
    Differentiable once; a second derivative is a ``RuntimeError``.

    Args:
        codes: Codes, border included, shape ``(batch, codes, dim, z, y, x)``.
        normals: Normals Z, shape ``(offsets, codes, members, dim)``: the offsets δ of the window in
            the order of z, y, x; for each code those of the group's output channels.
        offsets: Half distances r of the gyroplanes from the origin, shape
            ``(offsets, codes, members)``.
        window: Which codes are summed.
        groups: Into how many groups the codes fall.
        transposed: Add what a voxel's codes give to the voxels that its window reaches, as
            ``nn.ConvTranspose3d`` does, instead of collecting it from its window.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Shape ``(batch, groups · members, z', y', x')``: that of ``nn.Conv3d`` or
        ``nn.ConvTranspose3d`` without padding.

    Raises:
        ValueError: If ``curvature`` is not negative and finite.

    Source:
        `gyrovox.geometry.gyroplane.signed_distance`, summed.
    """
    root = root_of(curvature)
    sizes = torch.linalg.vector_norm(normals, dim=-1)
    radius = 2 * root * torch.linalg.vector_norm(codes, dim=2, keepdim=True)
    stretch, time, excess = lift_within_reach(radius)
    lifted = torch.cat((stretch * (2 * root) * codes, time, excess), dim=2)
    # The last entry meets the excess, which no product may see.
    planes = torch.nn.functional.pad(lorentz_normal(normals, offsets, root=root), (0, 1))
    numbers = (*window.kernel, *window.stride, *window.dilation)
    result: Tensor = _plane_sum(lifted, planes, 2 / root * sizes, numbers, groups, transposed)
    return result


# One operator to torch.compile, which would otherwise unroll every block of every offset.
@torch.library.custom_op("gyrovox::plane_sum", mutates_args=())
def _plane_sum(  # noqa: PLR0917 - an operator's arguments have an order
    lifted: Tensor,
    planes: Tensor,
    factor: Tensor,
    window: Sequence[int],
    groups: int,
    transposed: bool,
) -> Tensor:
    result = lifted.new_zeros(_result_shape(lifted, planes, window, groups, transposed))
    far = bool((lifted[:, :, -1] > 0).any())
    by_group = result.view(len(result), groups, planes.shape[2], *result.shape[2:])
    for read, write, at in _steps(lifted, result, planes, window, transposed):
        source = lifted[read].flatten(3)
        responses = _arcs(planes[at] @ source, source, far=far).mul_(factor[at].unsqueeze(-1))
        target = by_group[write]
        target += (
            responses.view(len(responses), groups, -1, *responses.shape[2:]).sum(2).view_as(target)
        )
    return result


@torch.library.custom_op("gyrovox::plane_sum_backward", mutates_args=())
def _plane_sum_backward(  # noqa: PLR0917 - an operator's arguments have an order
    gradient: Tensor,
    lifted: Tensor,
    planes: Tensor,
    factor: Tensor,
    window: Sequence[int],
    groups: int,
    transposed: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    to_lifted, to_planes = torch.zeros_like(lifted), torch.zeros_like(planes)
    to_factor = torch.zeros_like(factor)
    far = bool((lifted[:, :, -1] > 0).any())
    by_group = gradient.reshape(len(gradient), groups, planes.shape[2], *gradient.shape[2:])
    for read, write, at in _steps(lifted, gradient, planes, window, transposed):
        source = lifted[read].flatten(3)
        heights = planes[at] @ source
        given = by_group[write].flatten(3).unsqueeze(2)
        given = given.expand(-1, -1, planes.shape[1] // groups, -1, -1).flatten(1, 2)
        to_factor[at] += (_arcs(heights, source, far=far) * given).sum((0, -1))
        given = given * factor[at].unsqueeze(-1)
        seen = to_lifted[read]
        if far:
            seen[:, :, -1] += (torch.sign(heights) * given).sum(2).view_as(seen[:, :, -1])
        slope = heights.square_().add_(1).rsqrt_().mul_(given)
        to_planes[at] += (slope @ source.mT).sum(0)
        seen += (planes[at].mT @ slope).view_as(seen)
    return to_lifted, to_planes, to_factor


@_plane_sum.register_fake
def _plane_sum_shape(  # noqa: PLR0917 - an operator's arguments have an order
    lifted: Tensor,
    planes: Tensor,
    factor: Tensor,
    window: Sequence[int],
    groups: int,
    transposed: bool,
) -> Tensor:
    return lifted.new_empty(_result_shape(lifted, planes, window, groups, transposed))


@_plane_sum_backward.register_fake
def _plane_sum_backward_shape(
    gradient: Tensor, lifted: Tensor, planes: Tensor, factor: Tensor, *rest: object
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(lifted), torch.empty_like(planes), torch.empty_like(factor)


def _keep_inputs(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.rest = inputs[3:]  # type: ignore[attr-defined]


def _gradients(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
    given = (*ctx.saved_tensors, *ctx.rest)  # type: ignore[attr-defined]
    return (*_plane_sum_backward(gradient, *given), None, None, None)


def _refuse(ctx: object, *gradients: Tensor | None) -> None:
    """No second derivative: it would keep what the blocks are there not to keep.

    Raises:
        RuntimeError: Always.
    """
    raise RuntimeError(
        "a gyroplane convolution of meaning 'shared' or 'per_offset' must be differentiated once, "
        "and was asked for a second derivative. Choose 'concatenated', which has it."
    )


_plane_sum.register_autograd(_gradients, setup_context=_keep_inputs)
_plane_sum_backward.register_autograd(_refuse)


def _result_shape(
    lifted: Tensor,
    planes: Tensor,
    window: Sequence[int],
    groups: int,
    transposed: bool,
) -> tuple[int | torch.SymInt, ...]:
    kernel, stride, dilation = _triples(window)
    reaches = [gap * (width - 1) for width, gap in zip(kernel, dilation, strict=True)]
    sides = [
        (length - 1) * step + reach + 1 if transposed else (length - reach - 1) // step + 1
        for length, step, reach in zip(lifted.shape[3:], stride, reaches, strict=True)
    ]
    return (len(lifted), groups * planes.shape[2], *sides)


def _steps(
    lifted: Tensor,
    result: Tensor,
    planes: Tensor,
    window: Sequence[int],
    transposed: bool,
) -> Iterator[tuple[_Part, _Part, int]]:
    """What to read of the codes and where to write it in the result, block by block, δ by δ."""
    kernel, stride, dilation = _triples(window)
    grid = (lifted if transposed else result).shape[-3:]
    distances = planes.shape[1] * planes.shape[2]
    room = (_BLOCK_ON_CPU if lifted.device.type == "cpu" else _BLOCK) // max(1, distances)
    for batch, *block in _blocks((len(lifted), *grid), room):
        for at, delta in enumerate(itertools.product(*map(range, kernel))):
            seen = [
                slice(
                    gap * shift + step * part.start, gap * shift + step * (part.stop - 1) + 1, step
                )
                for part, shift, step, gap in zip(block, delta, stride, dilation, strict=True)
            ]
            near, wide = ((batch, slice(None), slice(None), *parts) for parts in (block, seen))
            yield (near, wide, at) if transposed else (wide, near, at)


def _triples(window: Sequence[int]) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Kernel, stride and dilation of a window, which an operator takes as nine numbers."""
    return window[:3], window[3:6], window[6:]


def _blocks(shape: Sequence[int], room: int) -> Iterator[tuple[slice, ...]]:
    """Boxes that fill a grid, each of at most so many cells, or one."""
    sides: list[range] = []
    for length in reversed(shape):
        side = max(1, min(length, room))
        sides.insert(0, range(0, length, side))
        room //= side
    for corner in itertools.product(*sides):
        yield tuple(
            slice(start, min(start + side.step, side.stop))
            for start, side in zip(corner, sides, strict=True)
        )


def _arcs(heights: Tensor, source: Tensor, *, far: bool) -> Tensor:
    """Asinh of heights over gyroplanes, with the excess of codes beyond reach."""
    arcs = fast_asinh(heights)
    return arcs.addcmul_(torch.sign(heights), source[:, :, -1:]) if far else arcs
