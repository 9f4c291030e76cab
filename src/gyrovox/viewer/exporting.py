"""From a request for an export to a file that is sent and then forgotten."""

import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final, get_args

from starlette.responses import FileResponse

from gyrovox import io
from gyrovox.errors import RequestError
from gyrovox.io.formats import FORMATS
from gyrovox.results import (
    HandEdits,
    ResultFolder,
    components,
    export_labels,
    export_mask,
    export_mesh,
    export_points,
    read_edits,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

What = Literal["labels", "mask", "mesh", "points"]
"""What can be taken out of a result."""

_VOLUMES = tuple(suffix for kind in FORMATS for suffix in kind.suffixes)
_FORMATS: dict[What, tuple[str, ...]] = {
    "labels": _VOLUMES,
    "mask": _VOLUMES,
    "mesh": (".stl", ".obj"),
    "points": (".csv", ".star"),
}
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a ZIP can say; the same bytes at any time of day


@final
@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be exported.

    Args:
        what: Which kind of thing.
        nodes: Of which nodes; all of them for labels.
        suffix: Ending of the file, which says the format.
        edits: The cut, names and groups that labels follow.
    """

    what: What
    nodes: tuple[int, ...]
    suffix: str
    edits: HandEdits


def read_order(body: bytes, result: ResultFolder) -> Order:
    """The order that the body of a request places.

    Args:
        body: JSON: ``what``, ``nodes`` (not for labels), ``format`` (by default that of the
            volume that was segmented, .stl or .csv), and ``edits`` (by default those that are
            kept beside the result).
        result: What is exported from.

    Returns:
        The order.

    Raises:
        RequestError: If it is none, or of nodes that there are not, or of a format that it cannot
            have.
    """
    try:
        content = json.loads(body)
    # A ValueError comes of bytes that are no text, and of text that is no JSON.
    except (ValueError, RecursionError) as error:
        raise RequestError(f"an export must be asked for in JSON, and is not: {error}.") from error
    if not isinstance(content, dict) or content.get("what") not in get_args(What):
        raise RequestError(
            f"an export must say what of it is wanted: one of {', '.join(get_args(What))}. "
            f"Send it as {{'what': 'labels'}}."
        )
    what: What = content["what"]
    edits = content.get("edits")
    return Order(
        what=what,
        nodes=() if what == "labels" else _nodes(content.get("nodes"), len(result.trunk.parents)),
        suffix=_suffix(what, content.get("format"), result),
        edits=(
            read_edits(result)
            if edits is None
            else HandEdits.from_json(json.dumps(edits), result.trunk)
        ),
    )


def _nodes(nodes: object, count: int) -> tuple[int, ...]:
    """The nodes that were named, without repetition.

    Raises:
        RequestError: If there are none, or others than those of the tree.
    """
    if not isinstance(nodes, list) or not nodes:
        raise RequestError("nodes must be a list of at least one node of the tree.")
    # A truth value is an integer, for Python.
    if any(type(node) is not int or not 0 <= node < count for node in nodes):
        raise RequestError(f"nodes must be numbers from 0 to {count - 1}.")
    return tuple(sorted(set(nodes)))


def _suffix(what: What, suffix: object, result: ResultFolder) -> str:
    """The ending that was named, or the one that is usual.

    Raises:
        RequestError: If such a thing cannot have it.
    """
    known = _FORMATS[what]
    if suffix is None:
        own = result.leaves().path
        return known[0] if what in {"mesh", "points"} or own is None else io.label_suffix(own)
    if suffix not in known:
        raise RequestError(f"the format of {what} must be one of {', '.join(known)}.")
    return str(suffix)


@final
class SentFile(FileResponse):
    """A file that is removed, with its folder, when it was sent, or when the reader has gone.

    Args:
        path: The file.
        folder: The folder that goes with it.
        name: What it is called where it arrives.
        headers: What else to say with it.
    """

    def __init__(
        self,
        path: Path,
        folder: "tempfile.TemporaryDirectory[str]",
        *,
        name: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(
            path, headers=headers, media_type="application/octet-stream", filename=name
        )
        self._folder = folder

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._folder.cleanup()


def exported(order: Order, result: ResultFolder) -> SentFile:
    """Do what was ordered, in a folder that is there only for that.

    Args:
        order: What is wanted.
        result: What it is taken out of.

    Returns:
        The file, as an answer. Points also say how many they are, as ``X-Gyrovox-Count``.
    """
    folder = tempfile.TemporaryDirectory(prefix="gyrovox-")
    try:
        count, path = _MAKERS[order.what](order, result, Path(folder.name, f"export{order.suffix}"))
        name = f"{_title(order, result)}{order.suffix}"
        if path.is_dir():
            path, name = _zipped(path), f"{name}.zip"
        headers = {"Cache-Control": "no-store"}
        if count is not None:
            headers["X-Gyrovox-Count"] = str(count)
        return SentFile(path, folder, name=name, headers=headers)
    except BaseException:
        folder.cleanup()
        raise


def _labels(order: Order, result: ResultFolder, path: Path) -> tuple[None, Path]:
    return None, export_labels(result, order.edits, path)


def _mask(order: Order, result: ResultFolder, path: Path) -> tuple[None, Path]:
    return None, export_mask(result, order.nodes, path)


def _mesh(order: Order, result: ResultFolder, path: Path) -> tuple[None, Path]:
    return None, export_mesh(result, order.nodes, path)


def _points(order: Order, result: ResultFolder, path: Path) -> tuple[int, Path]:
    found = components(result, order.nodes)
    return found.count, export_points(found, path)


_MAKERS: dict[What, Callable[[Order, ResultFolder, Path], tuple[int | None, Path]]] = {
    "labels": _labels,
    "mask": _mask,
    "mesh": _mesh,
    "points": _points,
}


def _title(order: Order, result: ResultFolder) -> str:
    if order.what == "labels":
        return f"{result.name}-labels"
    several = "" if len(order.nodes) == 1 else f"-and-{len(order.nodes) - 1}-more"
    return f"{result.name}-node-{order.nodes[0]}{several}-{order.what}"


def _zipped(folder: Path) -> Path:
    """A folder, which an OME-Zarr is, as one file: the same bytes for the same content."""
    path = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for one in sorted(folder.rglob("*")):
            if one.is_file():
                named = zipfile.ZipInfo(one.relative_to(folder.parent).as_posix(), _EARLIEST)
                archive.writestr(named, one.read_bytes())
    return path
