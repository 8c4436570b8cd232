"""Limits on requests, before anything reads them: their host, their path, their size, uploads per address.

ASGI middleware, which `launch()` takes by `app_kwargs`; each class keeps one rule.
"""

import errno
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.decoding.decode import MAX_FILE_BYTES

EVERY_HOST = "*"
UPLOAD_PATH = "/gradio_api/upload"
# What Gradio offers and this page does not use; the less answers, the less can be misused.
UNUSED_PATHS = (
    "component_server", "custom_component", "deep_link", "dev", "process_recording", "proxy=", "run-history",
    "stream", "vibe-",
)  # fmt: skip
UPLOAD_BYTES = MAX_FILE_BYTES + 2**20  # A file, and what multipart requests add.
BODY_BYTES = 32 * 2**20  # Two pictures of 12 MB in base64.
# A school class behind one address lays down a picture or two for each pupil in a minute.
QUOTA_SECONDS, QUOTA_BYTES, QUOTA_FILES = 600.0, 2**30, 300
MAX_ADDRESSES = 10_000

WRONG_HOST = "This server does not answer to that name; --allowed-hosts can add it."
NOT_HERE = "Not found."
DISK_FULL = "The server's disk is full; try again later."
TOO_LONG = "This request is too long."
TOO_MANY_UPLOADS = "Too many uploads from your address; try again in ten minutes."


def request_limits(allowed_hosts: Sequence[str]) -> list[Middleware]:
    """List the limits for `launch()`; a host may start with ``*.``, and ``*`` allows every host."""
    rules = (UsedPaths, FullDisk, BodyLimit, UploadQuota)
    return [Middleware(AllowedHosts, allowed_hosts=allowed_hosts), *map(Middleware, rules)]


def say_not_found(_request: Request, _error: Exception) -> PlainTextResponse:
    """Answer a call of an unknown name, which Gradio takes for a fault of its own."""
    return PlainTextResponse(NOT_HERE, HTTPStatus.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Refuses requests to another name, or from the page of another host.

    A stranger's site could else have a name that leads here (DNS rebinding), or use a visitor's browser.
    Addresses in numbers always pass: nobody can claim those.
    """

    app: ASGIApp
    allowed_hosts: Sequence[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            named = [f"//{headers.get('host', '')}", *headers.getlist("origin")]
            if not all(map(self._is_allowed, named)):
                await _refuse(HTTPStatus.FORBIDDEN, WRONG_HOST, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_allowed(self, address: str) -> bool:
        if EVERY_HOST in self.allowed_hosts:
            return True
        host = _host_of(address)
        return host is not None and (_is_number(host) or any(_fits(host, one) for one in self.allowed_hosts))


@dataclass(frozen=True, slots=True)
class UsedPaths:
    """Hides what Gradio offers beyond what this page uses."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        path = scope.get("path", "").removeprefix("/gradio_api/")
        if scope["type"] == "http" and path.startswith(UNUSED_PATHS):
            await _refuse(HTTPStatus.NOT_FOUND, NOT_HERE, scope, receive, send)
            return
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class FullDisk:
    """Says so when an upload cannot be written."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        try:
            await self.app(scope, receive, send)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            await _refuse(HTTPStatus.INSUFFICIENT_STORAGE, DISK_FULL, scope, receive, send)


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Refuses bodies beyond a limit, by what they say of their length and by what arrives."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on, with a body that breaks off at the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = UPLOAD_BYTES if scope["path"].startswith(UPLOAD_PATH) else BODY_BYTES
        told = Headers(scope=scope).get("content-length", "0")
        if not told.isdecimal() or int(told) > limit:
            await _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG, scope, receive, send)
            return
        try:
            await self.app(scope, _counted(receive, limit), send)
        except ClientDisconnect:
            await _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG, scope, receive, send)


@dataclass(slots=True)
class UploadQuota:
    """Bounds what one address uploads in ten minutes; Gradio deletes uploads after half an hour."""

    app: ASGIApp
    now: Callable[[], float] = time.monotonic
    _uploads: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse an upload beyond the quota, or count it and pass it on."""
        if scope["type"] == "http" and scope["path"].startswith(UPLOAD_PATH) and scope["method"] == "POST":
            address = scope["client"][0] if scope.get("client") else ""
            size = int(Headers(scope=scope).get("content-length", UPLOAD_BYTES))
            if not self.admits(address, size):
                await _refuse(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY_UPLOADS, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def admits(self, address: str, size: int) -> bool:
        """Count an upload, unless its address has sent too many files or bytes lately."""
        recent = self._uploads.setdefault(address, deque())
        while recent and recent[0][0] < self.now() - QUOTA_SECONDS:
            recent.popleft()
        if len(recent) >= QUOTA_FILES or size + sum(length for _, length in recent) > QUOTA_BYTES:
            return False
        recent.append((self.now(), size))
        if len(self._uploads) > MAX_ADDRESSES:
            self._uploads.pop(next(iter(self._uploads)))
        return True


def _counted(receive: Receive, limit: int) -> Receive:
    """Pass on a body until the limit, then act as a client that has gone."""
    arrived = 0

    async def counted() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        return message if arrived <= limit else {"type": "http.disconnect"}

    return counted


async def _refuse(status: HTTPStatus, message: str, scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(message, status)(scope, receive, send)


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:  # Brackets that hold no address.
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
