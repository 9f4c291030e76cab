"""Under which names a server may be called, so that no other name can be bent to its address.

A page of another site can let its own name resolve to 127.0.0.1 ("DNS rebinding"), and is then of
the same origin as the server, for a browser. The Host header still bears that name.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import final

_NAME_AND_PORT = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?", re.ASCII)


@final
@dataclass(frozen=True)
class HostNames:
    """The names of the address that a server listens on.

    Any port will do: who comes through a tunnel (`ssh -L`) calls that of the tunnel's other end.

    Args:
        address: IP address that the server listens on.
    """

    address: str

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine reach it."""
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def shown(self) -> str:
        """What to call it in an address for a person."""
        address = ipaddress.ip_address(self.address)
        if address.is_unspecified:
            return socket.gethostname().lower()
        return f"[{address}]" if address.version == 6 else str(address)

    def has(self, header: str) -> bool:
        """Whether a Host header names the server.

        Args:
            header: ``name``, or ``name:port``.

        Returns:
            Whether it does. A name is never looked up.
        """
        found = _NAME_AND_PORT.fullmatch(header.lower())
        if found is None:
            return False
        name = found["name"]
        mine = ipaddress.ip_address(self.address)
        try:
            called = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            names = {"localhost"} if mine.is_loopback or mine.is_unspecified else set()
            if not mine.is_loopback:
                names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
            return name in names
        # Nobody can bend a number: whoever calls one has reached the machine that has it.
        return called.is_loopback or mine.is_unspecified or called == mine
