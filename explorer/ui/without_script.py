"""A sentence for browsers without JavaScript, by which Gradio makes all of its page: it would stay blank."""

from dataclasses import dataclass
from functools import cache
from html import escape

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.ui.language import LANGUAGES, read_catalogue

SENTENCE = "This page needs JavaScript: allow it for this address, and load the page again."
END = b"</body>"


@dataclass(frozen=True, slots=True)
class WithoutScript:
    """Middleware that adds the sentence to the page, in every language; its template has no place for it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; what is answered to one for the page comes whole."""
        is_page = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in ("", "/")
        await self.app(scope, receive, _adding(send) if is_page else send)


def _adding(send: Send) -> Send:
    start: Message = {}
    body = bytearray()

    async def added(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        page = bytes(body).replace(END, _write() + END, 1)
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(page))
        await send(start)
        await send({"type": "http.response.body", "body": page})

    return added


@cache
def _write() -> bytes:
    catalogue = read_catalogue()
    sentences = {"en": SENTENCE, **{language: catalogue[language][SENTENCE] for language in LANGUAGES}}
    lines = "".join(f'<p lang="{language}">{escape(text)}</p>' for language, text in sentences.items())
    return f"<noscript>{lines}</noscript>".encode()
