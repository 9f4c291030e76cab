"""The surface of nodes as a mesh of triangles, found slab by slab."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from gyrovox.io.mesh_file import MeshPiece, write_mesh
from gyrovox.volumes import ArraySource, slabs

from .node_voxels import node_voxels
from .result_folder import ResultFolder

_SLAB_BYTES = 2**22  # a surface takes many times as much where it is dense
# Not ½, where two pairs of corners that face each other across a side of a cell are a tie, which
# the two cells may break differently: of 30 random masks, 18 had holes.
_LEVEL = 0.4


def export_mesh(
    result: ResultFolder,
    nodes: Iterable[int],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write the surface of some nodes, by marching cubes halfway between voxels in and out.

    The surface is closed, also where the nodes reach the faces of the volume, and its triangles
    turn anticlockwise seen from outside. Its vertices are where the file of the volume says that
    its voxels are, in nm, x first; in voxels where their size is unknown.

    Args:
        result: The result.
        nodes: At least one node, from 0.
        path: The file to write: .stl (binary), or .obj, which keeps what triangles share.
        overwrite: Whether it may be there already.

    Returns:
        The path that was written.

    Raises:
        TreeError: If a node is not there, or none came.
        FileFormatError: If there is no such format.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.

    Source:
        Lewiner et al. (2003), Efficient implementation of marching cubes' cases with topological
        guarantees. https://doi.org/10.1080/10867651.2003.10487582
    """
    mask = node_voxels(result, nodes)
    pieces = surface(mask, result.leaves().affine)
    is_known = result.trunk.voxel_size_nm is not None
    return write_mesh(pieces, Path(path), unit="nm" if is_known else "voxels", overwrite=overwrite)


def surface(
    mask: ArraySource, affine: Float64[np.ndarray, "4 4"], *, slab_bytes: int = _SLAB_BYTES
) -> Iterator[MeshPiece]:
    """The surface of a mask, a piece for every slab that it passes.

    Args:
        mask: 1 inside, 0 outside; one channel.
        affine: Voxel index (z, y, x) to position (z, y, x), shape ``(4, 4)``.
        slab_bytes: Most bytes of a slab of the mask.

    Yields:
        The pieces, in order; their triangles are those of the whole, whatever the slabs.
    """
    depth, height, width = mask.shape[1:]
    before = np.zeros((1, height, width), np.bool_)
    seam = _Seam({}, 0)
    for region in slabs(mask, max_bytes=slab_bytes):
        inside = mask.read(region)[0] != 0
        planes = [before, inside]
        if region.stop[0] == depth:
            planes.append(np.zeros_like(before))
        before = inside[-1:]
        found = _cells(np.concatenate(planes), first=region.start[0] - 1)
        if found is None:
            seam = _Seam({}, seam.count)
            continue
        vertices, faces = found
        numbers, seam = seam.joined(vertices, bottom=region.start[0] - 1, top=region.stop[0] - 1)
        positions = (vertices @ affine[:3, :3].T + affine[:3, 3])[:, ::-1]
        # From (z, y, x) to (x, y, z) space is mirrored, and so it is by some affines.
        outward = faces if np.linalg.det(affine[:3, :3]) > 0 else faces[:, ::-1]
        yield MeshPiece(np.ascontiguousarray(positions), numbers, outward)


@final
@dataclass(frozen=True)
class _Seam:
    """The vertices of the last plane of a slab, which the next one has too.

    Args:
        numbers: Number of a vertex by twice its (y, x).
        count: Vertices of all slabs so far.
    """

    numbers: dict[tuple[int, int], int]
    count: int

    def joined(
        self, vertices: NDArray[np.float64], *, bottom: int, top: int
    ) -> tuple[NDArray[np.int64], "_Seam"]:
        """Numbers of the vertices of the next slab, and the seam after it."""
        keys = np.rint(2 * vertices[:, 1:]).astype(np.int64)
        numbers = np.full(len(vertices), -1, np.int64)
        for place in np.flatnonzero(vertices[:, 0] == bottom).tolist():
            y, x = keys[place].tolist()
            numbers[place] = self.numbers.get((y, x), -1)
        new = numbers < 0
        numbers[new] = self.count + np.arange(int(new.sum()))
        last = np.flatnonzero(vertices[:, 0] == top)
        after = {
            (y, x): number
            for (y, x), number in zip(keys[last].tolist(), numbers[last].tolist(), strict=True)
        }
        return numbers, _Seam(after, self.count + int(new.sum()))


def _cells(
    inside: Bool[np.ndarray, "planes y x"], *, first: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Vertices (n, 3), as (z, y, x), and triangles (m, 3) between planes; None without a surface.

    `first` is the z of the first plane. What lies around the planes, within z, is outside.
    """
    from skimage.measure import marching_cubes

    rows, columns = (np.flatnonzero(inside.any(axis=axes)).tolist() for axes in ((0, 2), (0, 1)))
    if not rows:
        return None
    y, x = rows[0], columns[0]
    box = inside[:, y : rows[-1] + 1, x : columns[-1] + 1]
    padded = np.pad(box, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
    found: tuple[NDArray[Any], ...] = marching_cubes(padded, _LEVEL)  # type: ignore[no-untyped-call]
    # Where the level lies on an edge is of no meaning: halfway is.
    whole = np.floor(found[0])
    halves = whole + 0.5 * (found[0] != whole)
    corner = np.array([first, y - 1, x - 1], np.float64)
    return halves + corner, found[1].astype(np.int64)
