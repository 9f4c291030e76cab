"""What the page asks for: results, trees, pictures, edits and exports."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gyrovox.errors import RequestError
from gyrovox.results import HandEdits, ResultFolder, read_edits, write_edits
from gyrovox.viewer.coarse_nifti import image_nifti, label_nifti
from gyrovox.viewer.exporting import exported, read_order
from gyrovox.viewer.kept_answer import AnswerStore, KeptAnswer
from gyrovox.viewer.pyramid import block_means, block_samples, fitting_step
from gyrovox.viewer.tree_facts import tree_json

_STEP = "X-Gyrovox-Step"
_NIFTI = "application/gzip"
_FRESH = {"Cache-Control": "no-store"}


@final
class Api:
    """Answers about some results, each in a thread of its own: the server stays free meanwhile.

    Args:
        results: The results, which the page calls by their place in this sequence.
    """

    def __init__(self, results: Sequence[ResultFolder]) -> None:
        self._results = tuple(results)
        self._store = AnswerStore()

    def routes(self) -> list[Route]:
        """Where each answer is found."""
        one = "/api/results/{index:int}"
        return [
            Route("/api/results", self._list),
            Route(f"{one}/tree", self._tree),
            Route(f"{one}/image.nii.gz", self._image),
            Route(f"{one}/leaves.nii.gz", self._leaves),
            Route(f"{one}/edits", self._edits, methods=["GET"]),
            Route(f"{one}/edits", self._save, methods=["PUT"]),
            Route(f"{one}/export", self._export, methods=["POST"]),
        ]

    def _list(self, _: Request) -> Response:
        content = [_described(index, result) for index, result in enumerate(self._results)]
        return JSONResponse(content, headers=_FRESH)

    def _tree(self, request: Request) -> Response:
        result = self._result(request)

        def make() -> KeptAnswer:
            return KeptAnswer(tree_json(result.trunk, tuple(result.levels)), "application/json")

        return self._kept(request, "tree", make)

    def _image(self, request: Request) -> Response:
        result = self._result(request)
        channel = _channel(request)

        def make() -> KeptAnswer:
            image = result.image()
            if image is None:
                raise HTTPException(
                    404, "the volume that was segmented is not where run.json says. Put it there."
                )
            if channel >= image.channels:
                raise RequestError(f"the channel must be one of 0 to {image.channels - 1}.")
            step = fitting_step(image.spatial_shape)
            means = block_means(image, step, channel=channel)
            packed = image_nifti(means, step, result.trunk.voxel_size_nm)
            return KeptAnswer(packed, _NIFTI, {_STEP: str(step)})

        return self._kept(request, f"image {channel}", make)

    def _leaves(self, request: Request) -> Response:
        result = self._result(request)

        def make() -> KeptAnswer:
            leaves = result.leaves()
            step = fitting_step(leaves.spatial_shape)
            labels = block_samples(leaves, step).astype(np.uint16, copy=False)
            packed = label_nifti(labels, step, result.trunk.voxel_size_nm)
            return KeptAnswer(packed, _NIFTI, {_STEP: str(step)})

        return self._kept(request, "leaves", make)

    def _edits(self, request: Request) -> Response:
        return _as_json(read_edits(self._result(request)))

    async def _save(self, request: Request) -> Response:
        result, body = self._result(request), await request.body()

        def save() -> Response:
            try:
                text = body.decode()
            except UnicodeDecodeError as error:
                raise RequestError(f"edits must be JSON in UTF-8, and are not: {error}.") from error
            edits = HandEdits.from_json(text, result.trunk)
            return _as_json(write_edits(result, edits, edits.revision))

        return await run_in_threadpool(save)

    async def _export(self, request: Request) -> Response:
        result, body = self._result(request), await request.body()
        return await run_in_threadpool(lambda: exported(read_order(body, result), result))

    def _result(self, request: Request) -> ResultFolder:
        index: int = request.path_params["index"]
        if index >= len(self._results):
            raise HTTPException(
                404, f"results are counted from 0 to {len(self._results) - 1}, and {index} came."
            )
        return self._results[index]

    def _kept(self, request: Request, what: str, make: Callable[[], KeptAnswer]) -> Response:
        name = f"{request.path_params['index']} {what}"
        return self._store.get(name, make).answer(request)


def _described(index: int, result: ResultFolder) -> dict[str, Any]:
    leaves, image = result.leaves(), result.image()
    return {
        "index": index,
        "name": result.name,
        "shape": list(leaves.spatial_shape),
        "voxel_size_nm": result.trunk.voxel_size_nm,
        "leaves": result.trunk.n_leaves,
        "levels": sorted(result.levels),
        "has_image": image is not None,
        "channels": 0 if image is None else image.channels,
    }


def _as_json(edits: HandEdits) -> Response:
    return Response(edits.to_json(), media_type="application/json", headers=_FRESH)


def _channel(request: Request) -> int:
    """The channel that is to be shown.

    Raises:
        RequestError: If it is no number.
    """
    asked = request.query_params.get("channel", "0")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 6):
        raise RequestError("the channel must be a number from 0 on.")
    return int(asked)
