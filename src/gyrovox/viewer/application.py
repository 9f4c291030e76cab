"""The explorer as one ASGI application: the page, what it asks for, and the guard before both."""

from collections.abc import Mapping, Sequence
from typing import final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gyrovox.errors import EditConflictError, GyrovoxError, MissingFileError
from gyrovox.results import ResultFolder
from gyrovox.viewer.api import Api
from gyrovox.viewer.guard import Guard
from gyrovox.viewer.hosts import HostNames
from gyrovox.viewer.kept_answer import KeptAnswer
from gyrovox.viewer.keys import Keys


def explorer(
    results: Sequence[ResultFolder], page: Mapping[str, KeptAnswer], *, keys: Keys, names: HostNames
) -> Guard:
    """The application.

    Args:
        results: What it shows.
        page: Files of the page by path.
        keys: The secrets that open it.
        names: The names of the server that it runs on.

    Returns:
        It, an ASGI application.
    """
    inner = Starlette(
        routes=[*Api(results).routes(), Route("/{path:path}", _Page(page).file)],
        exception_handlers={
            GyrovoxError: _said,
            HTTPException: _not_there,
            Exception: _unexpected,
        },
    )
    return Guard(inner, keys=keys, names=names)


@final
class _Page:
    def __init__(self, files: Mapping[str, KeptAnswer]) -> None:
        self._files = files

    def file(self, request: Request) -> Response:
        """The file of that name, looked up among those that there are.

        Raises:
            HTTPException: If there is none.
        """
        path = request.scope["path"]
        if path not in self._files:
            raise HTTPException(404, "there is nothing at this address.")
        return self._files[path].answer(request)


def _said(_: Request, error: Exception) -> Response:
    status = 422
    if isinstance(error, EditConflictError):
        status = 409
    elif isinstance(error, MissingFileError):
        status = 404
    return _error(status, str(error))


def _not_there(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail, error.headers)


def _unexpected(_: Request, error: Exception) -> Response:
    return _error(
        500,
        f"unexpected {type(error).__name__}: {error}. This is a fault of gyrovox; the terminal "
        f"that the explorer was started in shows where it arose.",
    )


def _error(status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(
        {"error": words}, status, headers={**(headers or {}), "Cache-Control": "no-store"}
    )
