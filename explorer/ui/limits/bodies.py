"""How long a request may be, and of how many parts."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.ui.bounds import MAX_PARTS, PICTURES_BYTES, PLAIN_BYTES, UPLOAD_BYTES
from explorer.ui.limits.refusal import refuse

UPLOAD_PATH = "/gradio_api/upload"
# Where the text of a picture may come in; what else there is holds settings, or nothing.
PICTURE_PATHS = ("/gradio_api/queue/join", "/gradio_api/call/", "/gradio_api/mcp")
# Each part of JSON follows one of these, which base64 does not have.
PART_BEGINS = b"[{,:"

TOO_LONG = "This request is too long."


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Refuses bodies beyond a limit, by what they say of their length and by what arrives.

    JSON of many parts takes fifty times its length once it is read, so they are counted as they arrive.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on, with a body that breaks off at the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_upload = scope["path"].startswith(UPLOAD_PATH)
        limit = UPLOAD_BYTES if is_upload else _json_bytes(scope["path"])
        told = Headers(scope=scope).get("content-length", "0")
        if not told.isdecimal() or len(told) > len(str(limit)) or int(told) > limit:
            await refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG, scope, receive, send)
            return
        try:
            await self.app(scope, _counted(receive, limit, None if is_upload else MAX_PARTS), send)
        except ClientDisconnect:
            await refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG, scope, receive, send)


def _json_bytes(path: str) -> int:
    return PICTURES_BYTES if path.startswith(PICTURE_PATHS) else PLAIN_BYTES


def _counted(receive: Receive, limit: int, max_parts: int | None) -> Receive:
    """Pass on a body until a limit, then act as a client that has gone."""
    arrived = parts = 0

    async def counted() -> Message:
        nonlocal arrived, parts
        message = await receive()
        body = message.get("body", b"")
        arrived += len(body)
        parts += 0 if max_parts is None else sum(body.count(begin) for begin in PART_BEGINS)
        is_within = arrived <= limit and (max_parts is None or parts <= max_parts)
        return message if is_within else {"type": "http.disconnect"}

    return counted
