"""`gyrovox view`: the explorer, a page for looking through a segmentation."""

import os
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command
from gyrovox.cli.terminal import complain, note, say
from gyrovox.errors import MissingExtraError

if TYPE_CHECKING:
    from gyrovox.viewer import ExplorerServer

_EXTRA = {"starlette", "uvicorn", "anyio", "h11"}


@final
@dataclass(frozen=True, kw_only=True)
class View(Command):
    """Look through a segmentation in the browser: slices, tree and disk, linked.

    The page is served by this machine to this machine, until it is interrupted (Ctrl-C). The
    address that is printed opens it once.
    """

    folder: Annotated[Path, Positional, arg(metavar="DIR")]
    """A folder that `segment` or `demo` wrote: one result, or several below it."""

    port: Annotated[int, arg(metavar="P")] = 0
    """Port to listen on; 0 takes one that is free."""

    host: Annotated[str, arg(metavar="H")] = "127.0.0.1"
    """Address to listen on. Any but the default lets other machines in."""

    no_browser: bool = False
    """Print the address, and open no browser."""

    def run(self) -> None:
        server = _server(self.folder, self.host, self.port)
        if not server.names.is_loopback:
            complain(
                f"warning: {self.host} is reached from other machines. Whoever sees the address "
                f"below, or listens on the network, which carries it unencrypted, can look at and "
                f"change these results. `ssh -L` is safer: docs/how-to/explorer.md."
            )
        say(server.new_address())
        sys.stdout.flush()
        note("Ctrl-C stops the explorer.", quiet=False)
        if not self.no_browser and _has_screen():
            webbrowser.open(server.new_address())
        try:
            server.run()
        except KeyboardInterrupt:  # how it is meant to end
            note("the explorer has stopped.", quiet=False)


def _server(folder: Path, host: str, port: int) -> "ExplorerServer":
    """The server.

    Raises:
        MissingExtraError: If what it is built on is not installed.
        ModuleNotFoundError: If anything else is not, which is a fault.
    """
    # Imported here so that `--help` waits for no library.
    try:
        from gyrovox.viewer import ExplorerServer
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError(
            f"the explorer needs {error.name}, which is not installed. "
            f"Install it with `pip install 'gyrovox[web]'`"
        ) from error
    return ExplorerServer(folder, host=host, port=port)


def _has_screen() -> bool:
    """Whether a browser would have a window; one in the terminal would take it over."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
