"""The explorer as a server: an address to listen on, and to print."""

import errno
import socket
from pathlib import Path
from typing import final

import uvicorn

from gyrovox.errors import AddressError
from gyrovox.results import result_folders
from gyrovox.viewer.application import explorer
from gyrovox.viewer.confinement import check_confined
from gyrovox.viewer.hosts import HostNames
from gyrovox.viewer.keys import Keys
from gyrovox.viewer.page_files import STATIC, page_files

_PATIENCE_S = 2  # for answers that are on their way when the server is stopped


@final
class ExplorerServer:
    """A server that shows the results in a folder; it listens from the start, and answers later.

    Args:
        folder: One result, or a folder with several below it.
        host: Name or IP address of this machine to listen on.
        port: Port to listen on; 0 for any that is free.
        static: Where the built page lies; by default, where the package has it.

    Raises:
        MissingFileError: If there is no result, or no page.
        FileAccessError: If a link leads out of the folder.
        AddressError: If it cannot listen there.
    """

    def __init__(
        self, folder: Path, *, host: str = "127.0.0.1", port: int = 0, static: Path | None = None
    ) -> None:
        page = page_files(STATIC if static is None else static)
        check_confined(folder)
        results = result_folders(folder)
        self._socket = _listening(host, port)
        address, self.port = self._socket.getsockname()[:2]
        self.names = HostNames(address)
        self._keys = Keys(self.port)
        app = explorer(results, page, keys=self._keys, names=self.names)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                # Nothing is logged of a request: its address may hold a token.
                access_log=False,
                log_config=None,
                log_level="error",
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_PATIENCE_S,
            )
        )

    def new_address(self) -> str:
        """An address that opens the explorer, once."""
        return f"http://{self.names.shown}:{self.port}/?token={self._keys.new_token()}"

    def run(self) -> None:
        """Serve until it is interrupted, or told to stop.

        Raises:
            KeyboardInterrupt: If it was interrupted, once all that was on its way has arrived.
        """
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Let `run`, in another thread, come to its end."""
        self._server.should_exit = True


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        AddressError: If there is no such address, or not for this program.
    """
    if not 0 <= port < 2**16:
        raise AddressError(
            f"a port must be a number from 0, which takes a free one, to 65535, and {port} came"
        )
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # The older kind of address first, as `localhost` mostly has both.
        family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.EADDRINUSE:
            raise AddressError(
                f"the port must be free, and {port} is taken by another program. "
                f"Choose another --port, or leave it out"
            ) from error
        if number == errno.EACCES:
            raise AddressError(
                f"this user must be allowed to listen on port {port}, and is not. "
                f"Choose a --port from 1024 on, or leave it out"
            ) from error
        raise AddressError(
            f"the host must be an address of this machine, and {host!r} is not. "
            f"Leave --host out to be reached from this machine alone"
        ) from error
