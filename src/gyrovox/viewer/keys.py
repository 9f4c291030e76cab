"""Who may look: a token in an address, given once for a cookie that only this server knows."""

import secrets
from typing import final
from urllib.parse import quote

_BYTES = 32
"""Random bytes of a token, so that none is guessed."""


@final
class Keys:
    """The secrets of one server.

    A token stands in an address, which ends up in the history of a browser and on a screen. So it
    opens the door once: what it is given for, a cookie, is in neither.

    Args:
        port: Port of the server. It is part of the cookie's name, since a browser keeps the cookies
            of all ports of a host together.
    """

    def __init__(self, port: int) -> None:
        self.cookie_name = f"gyrovox-{port}"
        self._cookie = secrets.token_urlsafe(_BYTES)
        self._tokens: set[str] = set()

    def new_token(self) -> str:
        """A token that opens the door once."""
        token = secrets.token_urlsafe(_BYTES)
        self._tokens.add(token)
        return token

    def redeem(self, token: str) -> bool:
        """Whether a token opens the door; it will not do so again."""
        # Every one is compared, and each in constant time: how long it takes tells nothing.
        fitting = [mine for mine in self._tokens if _same(mine, token)]
        self._tokens -= set(fitting)
        return bool(fitting)

    def fits(self, cookie: str | None) -> bool:
        """Whether a cookie is the one that tokens are given for."""
        return cookie is not None and _same(self._cookie, cookie)

    @property
    def set_cookie(self) -> str:
        """The header that gives a browser the cookie: not for scripts, nor for other sites."""
        return f"{self.cookie_name}={quote(self._cookie)}; HttpOnly; SameSite=Strict; Path=/"


def _same(mine: str, given: str) -> bool:
    return secrets.compare_digest(mine.encode(), given.encode("utf-8", "replace"))
