"""The address that the page is asked to listen on, checked before anything heavy is imported."""

import os
import socket
from dataclasses import dataclass

from explorer.errors import ExplorerError

THIS_MACHINE = "127.0.0.1"


class AddressError(ExplorerError):
    """An address that cannot be listened on; the message says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; a port that is None is the first free one that Gradio finds."""

    host: str
    port: int | None

    @classmethod
    def choose(cls, host: str | None, port: int | None) -> "Address":
        """Take what was asked for, else what Gradio's environment variables say, and try it.

        Raises:
            AddressError: it cannot be listened on. Gradio itself would try a hundred ports for minutes.
        """
        given = os.environ.get("GRADIO_SERVER_PORT", "")
        port = port or (int(given) if given.isdecimal() else None)
        address = cls(host or os.environ.get("GRADIO_SERVER_NAME") or THIS_MACHINE, port)
        if not 0 < (port or 1) < 2**16:
            raise AddressError(f"A port is from 1 to 65535, not {port}.")
        try:
            address._try()
        except OSError as error:
            raise AddressError(f"Cannot listen on {address}: {error.strerror or error}.") from error
        return address

    def __str__(self) -> str:
        """Name the address in a sentence."""
        return f"{self.host!r}" if self.port is None else f"port {self.port} of {self.host!r}"

    def _try(self) -> None:
        found = socket.getaddrinfo(self.host.strip("[]"), self.port or 0, type=socket.SOCK_STREAM)
        family, kind, _, _, address = found[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
