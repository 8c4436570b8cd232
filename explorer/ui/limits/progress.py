"""Notes on how far uploads are: Gradio keeps for ever those that nobody asks for to the end."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gradio.routes import file_upload_statuses
from starlette.types import ASGIApp, Receive, Scope, Send

from explorer.ui.limits.bodies import UPLOAD_PATH
from explorer.ui.limits.paths import NOT_HERE
from explorer.ui.limits.refusal import refuse

MAX_NOTES = 500  # More than uploads are ever under way.
MAX_QUERY_BYTES = 200  # The page names an upload by a dozen characters.


@dataclass(frozen=True, slots=True)
class LatestNotes:
    """Forgets all notes but the latest, and refuses names of uploads that are longer than any."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] != "http" or not scope["path"].startswith(UPLOAD_PATH):
            await self.app(scope, receive, send)
            return
        if len(scope["query_string"]) > MAX_QUERY_BYTES:
            await refuse(HTTPStatus.NOT_FOUND, NOT_HERE, scope, receive, send)
            return
        await self.app(scope, receive, send)
        for notes in (file_upload_statuses._statuses, file_upload_statuses._signals):  # noqa: SLF001
            keep_latest(notes)


def keep_latest(notes: MutableMapping[str, Any]) -> None:
    """Forget those that were made first."""
    while len(notes) > MAX_NOTES:
        del notes[next(iter(notes))]
