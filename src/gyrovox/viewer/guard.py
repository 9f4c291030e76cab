"""The door of the explorer: every request passes here, or is refused, before anything reads it."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)

from gyrovox.viewer.hosts import HostNames
from gyrovox.viewer.keys import Keys

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 2**20
"""Bytes that the body of a request may have."""

MOST_TAKEN = 16 * LARGEST_BODY
"""Bytes of a larger body that are taken, and forgotten: whoever is still sending when the
connection closes does not hear why."""

POLICY = "; ".join([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
])
"""What the page may load: from this server, and nothing from anywhere else."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_PRINTED = "Open the address that `gyrovox view` printed; it works once"
# Who follows a link of another page to the address with the token has the cookie then, but sends a
# SameSite=Strict one only where this server's own page leads to. The second time, that is so.
_ONCE_MORE = (
    '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>gyrovox</title>'
    '<a href="/">Go on</a>'
)
_DIGITS = re.compile(r"\d{1,15}", re.ASCII)


@final
class Guard:
    """Lets through what comes from the page of the person who started the server.

    In this order: the Host header names the server; the Origin header, if there is one, is the
    server's own; there is the cookie, or a token that is given for it; the body is no larger than
    `LARGEST_BODY`. Everything that leaves has the headers that keep it on this machine.

    Args:
        app: What is guarded, an ASGI application.
        keys: The secrets of the server.
        names: The names of the server.
    """

    def __init__(self, app: "ASGIApp", *, keys: Keys, names: HostNames) -> None:
        self._app = app
        self._keys = keys
        self._names = names

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] not in {"http", "websocket"}:  # the start and the end of the server
            await self._app(scope, receive, send)
            return
        hardened = _hardened(send)
        answer = self._answer(HTTPConnection(scope))
        if answer is None and scope["type"] == "http":
            body = await _body(scope, receive)
            if body is None:
                answer = _refusal(413, scope["path"], f"a request has at most {LARGEST_BODY} bytes")
            else:
                receive = _replayed(body, receive)
        if answer is not None:
            await answer(scope, receive, hardened)
        else:
            await self._app(scope, receive, hardened)

    def _answer(self, request: HTTPConnection) -> Response | None:
        """What is said at the door; None to who may pass."""
        path = request.scope["path"]
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._names.has(hosts[0]):
            return _refusal(403, path, f"this server goes by another name. {_PRINTED}")
        # A port, or https, makes another origin: a page of another local server has one of those.
        if any(one != f"http://{hosts[0]}" for one in request.headers.getlist("origin")):
            return _refusal(403, path, f"the request comes from another page. {_PRINTED}")
        known = self._keys.fits(request.cookies.get(self._keys.cookie_name))
        # A HEAD, which a preview of a link sends, must not use the token up.
        if path == "/" and request.scope.get("method") == "GET":
            tokens = parse_qs(request.scope["query_string"].decode("latin-1")).get("token")
            if tokens and (self._keys.redeem(tokens[0]) or known):
                # Without the token: the address that stays on the screen opens nothing.
                return RedirectResponse(
                    "/", 303, {"Set-Cookie": self._keys.set_cookie, "Cache-Control": "no-store"}
                )
        if known:
            return None
        if path == "/" and request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            return HTMLResponse(_ONCE_MORE, 403, {"Cache-Control": "no-store"})
        return _refusal(403, path, f"this browser is not known here. {_PRINTED}")


def _refusal(status: int, path: str, why: str) -> Response:
    headers: Mapping[str, str] = {"Cache-Control": "no-store", "Connection": "close"}
    if path.startswith("/api/"):
        return JSONResponse({"error": f"{why}."}, status, headers)
    return PlainTextResponse(f"gyrovox: {why}.\n", status, headers)


def _hardened(send: "Send") -> "Send":
    """`send`, with the headers that every answer has."""

    async def with_headers(message: "Message") -> None:
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return with_headers


async def _body(scope: "Scope", receive: "Receive") -> bytes | None:
    """The body of a request; None if it is too large, whatever it said of its length."""
    announced = Headers(scope=scope).get("content-length", "0")
    if not _DIGITS.fullmatch(announced) or int(announced) > MOST_TAKEN:
        return None
    body, taken = bytearray(), 0
    while taken <= MOST_TAKEN:
        message = await receive()
        piece = message.get("body", b"")
        taken += len(piece)
        if taken <= LARGEST_BODY:
            body += piece
        # The other kind of message is that the client has gone.
        if message["type"] != "http.request" or not message.get("more_body", False):
            return bytes(body) if taken <= LARGEST_BODY else None
    return None


def _replayed(body: bytes, receive: "Receive") -> "Receive":
    """A `receive` that gives a body that was read already, and then what comes after it."""
    waiting = [body]

    async def replay() -> "Message":
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay
