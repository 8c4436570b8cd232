"""Assistants (MCP): the public endpoints as their tools, where gradio's extra `mcp` is installed.

Gradio answers a tool's call by calling itself, as a client on this machine: what may only stand in a trusted
client's arguments, the address that calls are counted by, and whether anybody listens must be set right.
"""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from importlib.util import find_spec
from secrets import token_hex

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.ui.bounds import FILE_KEYS
from explorer.ui.listeners import LISTENERS, TOOL_CALL

MCP_PATH = "/gradio_api/mcp"
REFUSED = "The arguments of a tool hold no files: give pictures as text in base64, or an example's name."
# Known to this process alone: by it a call of itself is told from a stranger's that says the same.
_SECRET = token_hex(16)


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
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"].startswith(MCP_PATH):
            await self._serve_tool(scope, receive, send)
        else:
            _take_own_call(scope)
            await self.app(scope, receive, send)

    async def _serve_tool(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an assistant, whose call Gradio's own call will name for as long as this lasts."""
        address = scope["client"][0] if scope.get("client") else ""
        call = f"{_SECRET} {token_hex(8)} {address}"
        MutableHeaders(scope=scope)[TOOL_CALL] = call
        if scope["method"] == "POST":
            body = await Request(scope, receive).body()
            if body and not await asyncio.to_thread(_is_harmless, body):
                await PlainTextResponse(REFUSED, HTTPStatus.BAD_REQUEST)(scope, receive, send)
                return
            receive = _replay(body, receive)
        LISTENERS.add(call, 1)
        try:
            await self.app(scope, receive, send)
        finally:
            LISTENERS.add(call, -1)


def _take_own_call(scope: Scope) -> None:
    """Let this process's call of itself count as the assistant's; nobody else may say that it is one."""
    headers = MutableHeaders(scope=scope)
    secret, _, rest = headers.get(TOOL_CALL, "").partition(" ")
    if secret == _SECRET:
        scope["client"] = (rest.partition(" ")[2], 0)
    else:
        del headers[TOOL_CALL]


def _is_harmless(body: bytes) -> bool:
    """Whether a body is JSON without the key that makes a file of a dictionary, at any depth."""
    keys: set[str] = set()

    def note(pairs: list[tuple[str, object]]) -> None:
        keys.update(key for key, _ in pairs)

    try:
        json.loads(body, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return False
    return FILE_KEYS.isdisjoint(keys)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that has been read, then whatever comes next."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay
