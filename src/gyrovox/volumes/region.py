"""A box of voxels."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """A box of voxels: from `start` up to, and without, `stop`.

    Args:
        start: First voxel along (z, y, x), each at least 0.
        stop: One past the last voxel along (z, y, x), each at least `start`.

    Raises:
        ValueError: If a start is negative or lies beyond its stop.
    """

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    def __post_init__(self) -> None:
        if any(
            first < 0 or last < first for first, last in zip(self.start, self.stop, strict=True)
        ):
            raise ValueError(
                f"a region must satisfy 0 <= start <= stop along (z, y, x), "
                f"and start={self.start}, stop={self.stop} came"
            )

    @classmethod
    def whole(cls, shape: tuple[int, int, int]) -> "Region":
        """All voxels of a volume of `shape` (z, y, x)."""
        return cls((0, 0, 0), shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        depth, height, width = (
            last - first for first, last in zip(self.start, self.stop, strict=True)
        )
        return depth, height, width

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The slices that cut this region out of an array (z, y, x)."""
        z, y, x = (slice(first, last) for first, last in zip(self.start, self.stop, strict=True))
        return z, y, x

    def lies_in(self, shape: tuple[int, int, int]) -> bool:
        """Whether an array of `shape` (z, y, x) has every voxel of this region."""
        return all(last <= size for last, size in zip(self.stop, shape, strict=True))
