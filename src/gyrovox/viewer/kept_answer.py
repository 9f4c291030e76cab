"""Answers that are made once and given often: bytes with a tag, and where they are kept."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

from starlette.requests import Request
from starlette.responses import Response

_MOST_BYTES = 2**29
"""What a server keeps at most: the pictures of some eight results of 256³ voxels or more."""


@final
@dataclass(frozen=True)
class KeptAnswer:
    """Bytes that a browser may keep, but must ask about each time.

    Args:
        content: They.
        media_type: What they are.
        headers: What else to say with them.
    """

    content: bytes = field(repr=False)
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def tag(self) -> str:
        """What tells these bytes from others."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    def answer(self, request: Request) -> Response:
        """200 with the bytes, or 304 without them where the browser has just these.

        Args:
            request: What asks for them.

        Returns:
            The answer.
        """
        headers = {**self.headers, "ETag": self.tag, "Cache-Control": "private, no-cache"}
        asked = request.headers.get("if-none-match", "")
        if self.tag in {one.strip().removeprefix("W/") for one in asked.split(",")}:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


@final
class AnswerStore:
    """Answers by name, each made when it is first asked for, by one thread while others wait.

    Args:
        most_bytes: What is kept at most; what was not asked for longest goes first.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._making: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str, make: Callable[[], KeptAnswer]) -> KeptAnswer:
        """The answer of a name.

        Args:
            name: What it is kept under.
            make: Makes it. Where it fails, the next who asks tries again.

        Returns:
            The answer.
        """
        with self._lock:
            making = self._making.setdefault(name, threading.Lock())
        with making:
            with self._lock:
                if name in self._kept:
                    self._kept.move_to_end(name)
                    return self._kept[name]
            made = make()
            with self._lock:
                self._kept[name] = made
                while len(self._kept) > 1 and self._bytes() > self._most_bytes:
                    self._kept.popitem(last=False)
            return made

    def _bytes(self) -> int:
        return sum(len(one.content) for one in self._kept.values())
