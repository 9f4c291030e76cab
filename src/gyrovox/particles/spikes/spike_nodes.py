"""Which node of a segmentation tree holds the spikes, by where its voxels lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float32, Float64
from numpy.typing import NDArray
from scipy import ndimage

from gyrovox.clustering import SegmentationTree
from gyrovox.errors import TreeError
from gyrovox.settings.spikes import MEMBRANE_NM, SpikeSettings

_TOUCHING = np.ones((3, 3, 3), np.bool_)
_LOOKED_AT = 24  # nodes whose pieces are counted
_MOST_NODES = 8  # of a set
_MANY = 10.0  # pieces: as many count half of what no end of them would


@final
@dataclass(frozen=True, kw_only=True)
class NodeEvidence:
    """What speaks for a node, or a few of them together, to be the spikes.

    Args:
        nodes: The nodes, which share no voxel.
        score: What they are ranked by; 0 or more.
        outside: Share of their voxels that lie outside the membrane.
        contrast: By how many standard errors the shell is denser in them than elsewhere.
        pieces: Pieces in the shell whose size a spike may have.
        piece_nm3: Median volume of these, in nm³; 0 if there is none.
        alike: How alike their volumes are, from 0 to 1.
        in_pieces: Share of the voxels in the shell that are in these pieces.
    """

    nodes: tuple[int, ...]
    score: float
    outside: float
    contrast: float
    pieces: int
    piece_nm3: float
    alike: float
    in_pieces: float

    @property
    def reason(self) -> str:
        """The same in words."""
        return (
            f"{self.outside:.0%} of it lie outside the membrane; the shell is denser there by "
            f"{self.contrast:.1f} standard errors; {self.pieces} pieces of about "
            f"{self.piece_nm3:.0f} nm³ hold {self.in_pieces:.0%} of what is in the shell, alike "
            f"to {self.alike:.2f}"
        )


def propose_nodes(
    tree: SegmentationTree,
    heights_nm: Float32[np.ndarray, "z y x"],
    density: Float32[np.ndarray, "z y x"],
    settings: SpikeSettings,
) -> tuple[NodeEvidence, ...]:
    """The nodes that may be the spikes, the likeliest first.

    Spikes lie outside the membrane, in a shell as thick as they are high; they are denser than the
    rest of it; they come in many pieces of one size. A node is scored by the product of these. A
    set of nodes is proposed too, where several together score higher than the best alone.

    Args:
        tree: The tree of virions side by side.
        heights_nm: Heights of its voxels over the middle of the membranes, in nm.
        density: Dense is positive.
        settings: What spikes are like.

    Returns:
        Evidence for at most 25 candidates; none where no node is denser than the shell.
    """
    shell = (heights_nm >= settings.lowest_nm) & (heights_nm <= settings.highest_nm)
    shell &= tree.leaves >= 0
    counts = _Counts.of(tree, heights_nm, density, shell)
    first = counts.first_scores(counts.sums)
    order = np.argsort(-first, kind="stable")[:_LOOKED_AT]
    likely = [int(node) for node in order if first[node] > 0]
    found = [_evidence(tree, (node,), counts, shell, settings) for node in likely]
    together = counts.best_set(likely)
    if len(together) > 1:
        found.append(_evidence(tree, together, counts, shell, settings))
    return tuple(sorted(found, key=lambda one: (-one.score, one.nodes)))


def evidence_of(
    tree: SegmentationTree,
    nodes: Sequence[int],
    heights_nm: Float32[np.ndarray, "z y x"],
    density: Float32[np.ndarray, "z y x"],
    settings: SpikeSettings,
) -> NodeEvidence:
    """What speaks for nodes that somebody has chosen.

    Args:
        tree: The tree of virions side by side.
        nodes: At least one node, from 0; none above another.
        heights_nm: Heights of its voxels over the middle of the membranes, in nm.
        density: Dense is positive.
        settings: What spikes are like.

    Returns:
        The evidence.

    Raises:
        TreeError: If no node came, or one is not there.
    """
    if not nodes:
        raise TreeError("at least one node must be named to be the spikes, and none came.")
    for node in nodes:
        if not 0 <= node < tree.n_nodes:
            raise TreeError(
                f"the node of the spikes must be one of 0 to {tree.root}, and {node} came. Look "
                f"for it in the explorer."
            )
    shell = (heights_nm >= settings.lowest_nm) & (heights_nm <= settings.highest_nm)
    shell &= tree.leaves >= 0
    counts = _Counts.of(tree, heights_nm, density, shell)
    return _evidence(tree, tuple(nodes), counts, shell, settings)


def nodes_mask(tree: SegmentationTree, nodes: Sequence[int]) -> NDArray[np.bool_]:
    """Where the voxels of nodes are, taken together, shape ``(z, y, x)``."""
    return np.asarray(np.logical_or.reduce([tree.mask(node) for node in nodes]))


@final
@dataclass(frozen=True, eq=False)
class _Counts:
    """Sums over the voxels of every node: all, outside, in the shell, their density and square."""

    sums: Float64[np.ndarray, "nodes 5"]
    parents: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        tree: SegmentationTree,
        heights_nm: Float32[np.ndarray, "z y x"],
        density: Float32[np.ndarray, "z y x"],
        shell: Bool[np.ndarray, "z y x"],
    ) -> "_Counts":
        known = tree.leaves >= 0
        leaves = tree.leaves[known]
        within = shell[known].astype(np.float64)
        dense = density[known].astype(np.float64)
        columns = [
            np.ones(len(leaves)),
            (heights_nm[known] > MEMBRANE_NM / 2).astype(np.float64),
            within,
            within * dense,
            within * dense**2,
        ]
        sums = np.zeros((tree.n_nodes, 5))
        for index, column in enumerate(columns):
            sums[: tree.n_leaves, index] = np.bincount(leaves, column, tree.n_leaves)
        for node in range(tree.n_nodes - 1):  # children come before their parents
            sums[tree.parents[node]] += sums[node]
        return cls(sums, tree.parents)

    def contrast(self, sums: Float64[np.ndarray, "n 5"]) -> Float64[np.ndarray, " n"]:
        """Standard errors between the shell's density within some voxels and without them."""
        total = self.sums[-1]
        inner, outer = sums[:, 2], total[2] - sums[:, 2]
        gap = sums[:, 3] / np.maximum(inner, 1) - (total[3] - sums[:, 3]) / np.maximum(outer, 1)
        variance = total[4] / max(total[2], 1) - (total[3] / max(total[2], 1)) ** 2
        shares = 1 / np.maximum(inner, 1) + 1 / np.maximum(outer, 1)
        error = np.sqrt(max(float(variance), 1e-12) * shares)
        return np.where((inner > 0) & (outer > 0), gap / error, 0.0)

    def first_scores(self, sums: Float64[np.ndarray, "n 5"]) -> Float64[np.ndarray, " n"]:
        """Contrast times the share outside, which are quick to find; 0 or more."""
        outside = sums[:, 1] / np.maximum(sums[:, 0], 1)
        return np.asarray(np.maximum(self.contrast(sums), 0) * outside)

    def best_set(self, likely: Sequence[int]) -> tuple[int, ...]:
        """Nodes that together score highest, added one by one while that rises."""
        chosen: list[int] = []
        sums = np.zeros(5)
        best = 0.0
        while len(chosen) < _MOST_NODES:
            tried = [
                (float(self.first_scores((sums + self.sums[node])[np.newaxis])[0]), node)
                for node in likely
                if not self._related(node, chosen)
            ]
            if not tried or max(tried)[0] <= best:
                break
            best, node = max(tried, key=lambda pair: (pair[0], -pair[1]))
            chosen.append(node)
            sums = sums + self.sums[node]
        return tuple(sorted(chosen))

    def _related(self, node: int, chosen: Sequence[int]) -> bool:
        """Whether a node is, lies below or lies above one of those chosen."""
        return any(self._is_above(one, node) or self._is_above(node, one) for one in chosen)

    def _is_above(self, upper: int, lower: int) -> bool:
        while lower < upper:
            lower = int(self.parents[lower])
        return lower == upper


def _evidence(
    tree: SegmentationTree,
    nodes: tuple[int, ...],
    counts: _Counts,
    shell: Bool[np.ndarray, "z y x"],
    settings: SpikeSettings,
) -> NodeEvidence:
    """The evidence for nodes, pieces included."""
    sums = counts.sums[list(nodes)].sum(axis=0, keepdims=True)
    mask = nodes_mask(tree, nodes) & shell
    labels, number = ndimage.label(mask, structure=_TOUCHING)
    voxel = float(np.prod(tree.voxel_size_nm or (1.0, 1.0, 1.0)))
    volumes = np.bincount(labels.reshape(-1), minlength=number + 1)[1:] * voxel
    # Two that touch may hang together, no more.
    largest = 2 * np.pi / 4 * settings.spacing_nm**2 * settings.height_nm
    like = volumes[(volumes >= settings.smallest_nm3) & (volumes <= largest)]
    variation = float(like.std() / like.mean()) if len(like) > 1 else np.inf
    contrast = float(counts.contrast(sums)[0])
    outside = float(sums[0, 1] / max(sums[0, 0], 1))
    alike = 1 / (1 + variation)
    in_pieces = float(like.sum() / max(volumes.sum(), 1e-12)) if number else 0.0
    many = len(like) / (len(like) + _MANY)
    return NodeEvidence(
        nodes=nodes,
        score=max(contrast, 0.0) * outside * in_pieces * (0.5 + alike) * many,
        outside=outside,
        contrast=contrast,
        pieces=len(like),
        piece_nm3=float(np.median(like)) if len(like) else 0.0,
        alike=alike,
        in_pieces=in_pieces,
    )
