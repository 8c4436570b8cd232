"""How many connections may be open, in all and from one address, and how long one may keep its request back.

Without this, a thousand half requests would use up all file handles, and nobody else would be answered.
"""

import asyncio
import logging
import resource
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http import auto

from explorer.ui.limits.callers import is_proxy

HEADER_SECONDS = 20.0
MAX_HANDLES = 2**14
# Kept for files, for the processes that decode pictures, and for models that are loaded.
SPARE_HANDLES = 256
# Of all connections; a class behind one address has six for each browser.
SHARE_OF_AN_ADDRESS = 0.5


LINES_A_MINUTE = 50


class FewLines(logging.Filter):
    """Lets so many lines of a log pass in a minute: what fails for a stranger may fail ten thousand times."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._began, self._count = now(), 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass or not; the last that does says so."""
        if self._now() - self._began > 60:
            self._began, self._count = self._now(), 0
        self._count += 1
        if self._count == LINES_A_MINUTE + 1:
            record.msg, record.args, record.exc_info = "More is left out until a minute is over.", (), None
        return self._count <= LINES_A_MINUTE + 1


class Connections:
    """Counts the open connections; used by the server's event loop alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open = Counter[str]()

    def admits(self, address: str) -> bool:
        """Count a connection that opens, unless there are too many."""
        share = 1.0 if is_proxy(address) else SHARE_OF_AN_ADDRESS
        if self._open.total() >= self.most or self._open[address] >= share * self.most:
            return False
        self._open[address] += 1
        return True

    def close(self, address: str) -> None:
        """Count a connection that closes."""
        self._open -= Counter([address])

    def count(self, address: str) -> int:
        """Count those that an address has open."""
        return self._open[address]


def allow_handles() -> int:
    """Let this process have as many file handles as it may; return how many connections that allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_HANDLES if hard == resource.RLIM_INFINITY else min(hard, MAX_HANDLES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted - SPARE_HANDLES, SPARE_HANDLES)


CONNECTIONS = Connections(MAX_HANDLES)  # Of this process, as is the server.


_Protocol: Any = auto.AutoHTTPProtocol  # One of two, with the same inner parts.


class BoundedProtocol(_Protocol):
    """Uvicorn's own protocol, which answers as many connections as it may, and waits for none for long."""

    _address: str | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvicorn's protocols differ in it.
        """Take a connection on, or end it."""
        address = (transport.get_extra_info("peername") or ("",))[0]
        super().connection_made(transport)
        if CONNECTIONS.admits(address):
            self._address = address
            self._wait_for_request()
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request; one that is not whole yet must become so soon."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._timer is None:
            self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let a connection go."""
        self._stop_waiting()
        if self._address is not None:
            CONNECTIONS.close(self._address)
            self._address = None
        super().connection_lost(exc)

    def _wait_for_request(self) -> None:
        self._timer = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bound_connections() -> None:
    """Let every server of this process that starts from now on have these bounds, and its log."""
    CONNECTIONS.most = allow_handles()
    for name in ("asyncio", "uvicorn.error"):
        logging.getLogger(name).addFilter(FewLines())
    auto.AutoHTTPProtocol = BoundedProtocol
