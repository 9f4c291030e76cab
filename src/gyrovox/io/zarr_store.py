"""A zarr folder whose writers can be stopped.

zarr writes the chunks of a slab side by side, on threads of its own. When one of them fails, the
others go on, and would put files into a folder that is being removed.
"""

import threading
from pathlib import Path
from types import TracebackType
from typing import final

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore


@final
class StoppableStore(LocalStore):
    """A folder that nothing more is written to once the `with` block around it is left."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._idle = threading.Condition()
        self._writing = 0
        self._stopped = False

    async def set(self, key: str, value: Buffer) -> None:
        """Write one entry.

        Raises:
            OSError: If it cannot be written, or if the block was left.
        """
        with self._idle:
            if self._stopped:
                raise OSError(f"{self.root}: nothing more is written after an error")
            self._writing += 1
        try:
            await super().set(key, value)
        finally:
            with self._idle:
                self._writing -= 1
                self._idle.notify_all()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Refuse what was not begun, and wait for what was."""
        with self._idle:
            self._stopped = True
            self._idle.wait_for(lambda: self._writing == 0)
        super().__exit__(kind, error, traceback)
