"""A tree without its voxels: what is left to know once every voxel has its leaf."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Int32
from numpy.typing import NDArray

from gyrovox.clustering.cuts import by_size, classes_of, horizontal_cut, persistent_counts
from gyrovox.clustering.node_table import node_table
from gyrovox.clustering.segmentation_tree import SegmentationTree
from gyrovox.clustering.unions import looked_up
from gyrovox.errors import ClusterCountError


@final
@dataclass(frozen=True, kw_only=True)
class Trunk:
    """A segmentation tree whose leaves lie elsewhere, tile by tile.

    Args:
        number: Leaf of the tree that a leaf of the tiles is, int32, shape ``(leaves of tiles,)``;
            −1 where boundaries were redrawn so that none of its voxels is left.
        parents: As in `SegmentationTree`, as are all that follow.
        altitudes: Shape ``(nodes,)``.
        sizes: Shape ``(nodes,)``.
        codes: Shape ``(nodes, dim)``.
        spreads: Shape ``(nodes,)``.
        contrasts: Shape ``(nodes,)``.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.
        masked: Whether some voxels of the volume are in no leaf.
    """

    number: NDArray[np.int32]
    parents: NDArray[np.int32]
    altitudes: NDArray[np.float64]
    sizes: NDArray[np.int64]
    codes: NDArray[np.float32]
    spreads: NDArray[np.float32]
    contrasts: NDArray[np.float32]
    curvature: float
    voxel_size_nm: tuple[float, float, float] | None
    masked: bool

    @property
    def n_leaves(self) -> int:
        """Number of leaves of the tree."""
        return (len(self.parents) + 1) // 2

    def labels(self, classes: int) -> NDArray[np.unsignedinteger[Any]]:
        """What every leaf of the tiles is called in a cut, as `SegmentationTree.cut` says.

        Args:
            classes: How many classes, from 1 to `n_leaves`.

        Returns:
            Label of every leaf of the tiles, and at the end, where index −1 finds it, that of
            voxels outside; shape ``(leaves of tiles + 1,)``. ``labels(8)[leaves]`` is a volume.

        Raises:
            ClusterCountError: If there are not so many leaves.
        """
        if not 1 <= classes <= self.n_leaves:
            raise ClusterCountError(
                f"a cut must have 1 to {self.n_leaves} classes, as many as its tree has leaves, "
                f"and {classes} were asked for."
            )
        nodes = by_size(horizontal_cut(self.parents, self.altitudes, classes), self.sizes)
        of_leaf = classes_of(self.parents, nodes)[: self.n_leaves] + self.masked
        table = np.append(of_leaf, 0).astype(np.min_scalar_type(classes - 1 + self.masked))
        return np.append(table[self.number], table[-1])

    def suggested_levels(self, most: int = 5, *, largest: int = 64) -> tuple[int, ...]:
        """Numbers of classes worth looking at, as `SegmentationTree.suggested_levels` says.

        Args:
            most: How many numbers at most.
            largest: Largest number of classes that is looked at.

        Returns:
            Numbers of classes, ascending.
        """
        found = persistent_counts(self.altitudes, most=most, largest=largest)
        return found or (1 + int((self.altitudes > 0).sum()),)

    def table(self) -> dict[str, NDArray[Any]]:
        """What there is to say about every node, as `SegmentationTree.table` says."""
        return node_table(
            self.parents,
            self.altitudes,
            self.sizes,
            self.codes,
            spreads=self.spreads,
            contrasts=self.contrasts,
            voxel_size_nm=self.voxel_size_nm,
        )

    def tree(self, leaves: Int32[np.ndarray, "z y x"]) -> SegmentationTree:
        """The tree with its voxels, for a volume that fits into memory.

        Args:
            leaves: Leaf of the tiles that every voxel is in, shape ``(z, y, x)``; −1 outside.

        Returns:
            The tree.
        """
        return SegmentationTree(
            leaves=looked_up(leaves, self.number),
            parents=self.parents,
            altitudes=self.altitudes,
            sizes=self.sizes,
            codes=self.codes,
            spreads=self.spreads,
            contrasts=self.contrasts,
            curvature=self.curvature,
            voxel_size_nm=self.voxel_size_nm,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`; an empty array where the voxel size is unknown."""
        size = () if self.voxel_size_nm is None else self.voxel_size_nm
        return {
            **{k: np.asarray(v) for k, v in vars(self).items()},
            "voxel_size_nm": np.array(size),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Trunk":
        """What `arrays` gave."""
        size = arrays["voxel_size_nm"].tolist()
        return cls(
            number=arrays["number"],
            parents=arrays["parents"],
            altitudes=arrays["altitudes"],
            sizes=arrays["sizes"],
            codes=arrays["codes"],
            spreads=arrays["spreads"],
            contrasts=arrays["contrasts"],
            curvature=float(arrays["curvature"]),
            voxel_size_nm=(size[0], size[1], size[2]) if size else None,
            masked=bool(arrays["masked"]),
        )
