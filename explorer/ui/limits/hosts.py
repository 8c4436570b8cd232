"""By which names the page is asked for, and by the pages of which sites."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from explorer.ui.limits.refusal import refuse

EVERY_HOST = "*"
DEFAULT_PORTS = {"http": 80, "https": 443}

WRONG_HOST = "This server does not answer to that name; --allowed-hosts can add it."
WRONG_ORIGIN = "This server answers its own page alone. A proxy before it must pass on the header Host."


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Refuses requests to another name, or from the page of another host or port.

    A stranger's site could else have a name that leads here (DNS rebinding), or use a visitor's browser. As
    the name of this server an address in numbers always passes: nobody can claim those.
    """

    app: ASGIApp
    allowed_hosts: Sequence[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] != "http" or EVERY_HOST in self.allowed_hosts:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_allowed(host):
            await refuse(HTTPStatus.FORBIDDEN, WRONG_HOST, scope, receive, send)
        elif not all(_is_same(origin, host) for origin in headers.getlist("origin")):
            await refuse(HTTPStatus.FORBIDDEN, WRONG_ORIGIN, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _is_allowed(self, host: str) -> bool:
        name = (split := _split(f"//{host}")) and split.hostname
        return bool(name) and (_is_number(name) or any(_fits(name, one) for one in self.allowed_hosts))


def _is_same(origin: str, host: str) -> bool:
    """Whether a page's origin is the host and port that was asked."""
    page = _split(origin)
    asked = None if page is None else _split(f"{page.scheme}://{host}")
    if page is None or asked is None or not page.hostname:
        return False
    return _place(page) == _place(asked)


def _place(address: SplitResult) -> tuple[str | None, int | None]:
    return address.hostname, address.port or DEFAULT_PORTS.get(address.scheme)


def _split(address: str) -> SplitResult | None:
    """Take an address apart; None for one that has no host or port that can be."""
    try:
        split = urlsplit(address)
        return split if split.port is None or split.hostname else None
    except ValueError:  # Brackets that hold no address, or a port that is none.
        return None


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _fits(host: str, allowed: str) -> bool:
    """Whether a host is the allowed one, or below it if that starts with ``*.``."""
    return host.endswith(allowed[1:].lower()) if allowed.startswith("*.") else host == allowed.lower()
