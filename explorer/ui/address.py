"""The address that the page is asked to listen on, checked before anything heavy is imported."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
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
        # Gradio looks for free ports at that name as if it were IPv4; `launch` gives it the host instead.
        named = os.environ.pop("GRADIO_SERVER_NAME", None)
        address = cls(_write_host(host or named or THIS_MACHINE), port)
        if not 0 < (port or 1) < 2**16:
            raise AddressError(f"A port is from 1 to 65535, not {port}.")
        try:
            address._try()
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise AddressError(f"Cannot listen on {address}: {reason}.") from error
        return address

    @property
    def is_private(self) -> bool:
        """Whether nobody but the users of this machine can reach it, unless a proxy leads here."""
        return self.host in (THIS_MACHINE, "localhost", "::1", "[::1]")

    def __str__(self) -> str:
        """Name the address in a sentence."""
        return f"{self.host!r}" if self.port is None else f"port {self.port} of {self.host!r}"

    def _try(self) -> None:
        if "%" in self.host:
            raise OSError(None, "an address with a zone is none that a browser takes")
        found = socket.getaddrinfo(self.host.strip("[]"), self.port or 0, type=socket.SOCK_STREAM)
        family, kind, _, _, address = found[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:  # As the server will, so that an IPv4 neighbour is none in the way.
                trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            trial.bind(address)
            trial.listen()


@contextmanager
def no_proxies() -> Iterator[None]:
    """Let this process ask its own address, and all others, without a proxy.

    Gradio asks the page whether it is there: a proxy leads elsewhere, and httpx ends at one that it does not
    know, or at a network such as `::1/128` in `no_proxy`.
    """
    names = ("no_proxy", "NO_PROXY")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "*"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _write_host(host: str) -> str:
    """Write a host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
