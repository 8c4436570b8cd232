"""How a request is refused: with a status and one sentence."""

from http import HTTPStatus

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send


async def refuse(status: HTTPStatus, message: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading the request."""
    await PlainTextResponse(message, status)(scope, receive, send)
