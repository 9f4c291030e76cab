"""The windows of a convolution: sizes, borders, and sums of what lies in them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from jaxtyping import Float
from torch import Tensor, nn

Size: TypeAlias = int | tuple[int, int, int]
Triple: TypeAlias = tuple[int, int, int]
PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which voxels lie in a window, and where the windows are. All in voxels, (z, y, x)."""

    kernel: Triple = (1, 1, 1)
    """Voxels of a window."""

    stride: Triple = (1, 1, 1)
    """Steps between windows."""

    dilation: Triple = (1, 1, 1)
    """Steps within a window."""

    @property
    def reach(self) -> Triple:
        """Steps from the first voxel of a window to its last."""
        z, y, x = (gap * (k - 1) for k, gap in zip(self.kernel, self.dilation, strict=True))
        return z, y, x


def window_of(layer: nn.Conv3d | nn.ConvTranspose3d) -> Window:
    """The window of a convolution layer.

    Args:
        layer: Whose kernel, stride and dilation they are.

    Returns:
        The window.
    """
    kernel, stride, dilation = (
        (int(z), int(y), int(x)) for z, y, x in (layer.kernel_size, layer.stride, layer.dilation)
    )
    return Window(kernel=kernel, stride=stride, dilation=dilation)


def padded(
    codes: Float[Tensor, "batch channels z y x"], layer: nn.Conv3d
) -> Float[Tensor, "batch channels z_padded y_padded x_padded"]:
    """Codes with the border that a convolution reads, written out.

    Args:
        codes: Input of the layer, shape ``(batch, channels, z, y, x)``.
        layer: Whose padding it is. Zeros are codes of the origin.

    Returns:
        The codes with their border, shape ``(batch, channels, z', y', x')``.

    Raises:
        ValueError: If no window fits in.
    """
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    reach = window_of(layer).reach
    sides = [side for pair in reversed(_borders(layer, reach)) for side in pair]
    result = nn.functional.pad(codes, sides, mode=mode) if any(sides) else codes
    if any(length <= needed for length, needed in zip(result.shape[2:], reach, strict=True)):
        raise ValueError(
            f"codes with their padding must hold a window of {tuple(n + 1 for n in reach)} voxels "
            f"(z, y, x), and are {tuple(result.shape[2:])}. Give more codes, or more padding."
        )
    return result


def box_sum(
    volume: Float[Tensor, "batch channels z y x"], window: Window
) -> Float[Tensor, "batch channels z_out y_out x_out"]:
    """Sum over the window of every output voxel, one axis at a time.

    Args:
        volume: What is summed, border included, shape ``(batch, channels, z, y, x)``.
        window: Over which voxels.

    Returns:
        Shape ``(batch, channels, z', y', x')``, that of ``nn.Conv3d`` without padding.
    """
    # Shifted slices: thirty times faster on a CPU than a convolution with ones, and half the
    # time of a depthwise one.
    sides = zip(window.kernel, window.stride, window.dilation, window.reach, strict=True)
    for axis, (width, step, gap, reach) in enumerate(sides, start=2):
        length = volume.shape[axis] - reach
        total = _every(volume.narrow(axis, 0, length), axis, step)
        for start in range(1, width):
            total = total + _every(volume.narrow(axis, gap * start, length), axis, step)
        volume = total
    return volume


def _borders(layer: nn.Conv3d, reach: Triple) -> list[tuple[int, int]]:
    """Voxels that are added before and after, for each axis, (z, y, x)."""
    if layer.padding == "valid":
        return [(0, 0)] * 3
    if layer.padding == "same":
        return [(steps // 2, steps - steps // 2) for steps in reach]
    return [(int(side), int(side)) for side in layer.padding]


def _every(volume: Tensor, axis: int, step: int) -> Tensor:
    """Every so many entries along an axis, from the first."""
    return volume[(slice(None),) * axis + (slice(None, None, step),)] if step > 1 else volume
