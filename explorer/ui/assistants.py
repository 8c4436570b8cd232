"""Assistants (MCP): the public endpoints as their tools, where gradio's extra `mcp` is installed.

Gradio answers a tool's call by calling itself, as a client on this machine: what may only stand in a trusted
client's arguments, and the address that calls are counted by, must be set right before.
"""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from importlib.util import find_spec

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MCP_PATH = "/gradio_api/mcp"
# By this key Gradio's client knows a file: it would open the path beside it, and upload that file.
FILE_KEY = "meta"
FORWARDED = "x-forwarded-for"
REFUSED = "The arguments of a tool hold no files: give pictures as text in base64, or an example's name."


def is_offered() -> bool:
    """Whether assistants can be served here."""
    return find_spec("mcp") is not None


@dataclass(frozen=True, slots=True)
class AssistantCalls:
    """Middleware: refuses files in the arguments of tools, and passes on whose call it is.

    It must stand behind the limit on bodies, since it reads them whole.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] != "http" or not scope["path"].startswith(MCP_PATH):
            await self.app(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        del headers[FORWARDED]
        if scope.get("client"):
            headers[FORWARDED] = scope["client"][0]
        if scope["method"] == "POST":
            body = await Request(scope, receive).body()
            if body and not await asyncio.to_thread(_is_harmless, body):
                await PlainTextResponse(REFUSED, HTTPStatus.BAD_REQUEST)(scope, receive, send)
                return
            receive = _replay(body, receive)
        await self.app(scope, receive, send)


def _is_harmless(body: bytes) -> bool:
    """Whether a body is JSON without the key that makes a file of a dictionary, at any depth."""
    keys: set[str] = set()

    def note(pairs: list[tuple[str, object]]) -> None:
        keys.update(key for key, _ in pairs)

    try:
        json.loads(body, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return False
    return FILE_KEY not in keys


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that has been read, then whatever comes next."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay
