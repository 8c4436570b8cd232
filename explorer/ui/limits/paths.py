"""Which of Gradio's paths are answered."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from explorer.ui.limits.refusal import refuse

# What Gradio offers and this page does not use; the less answers, the less can be misused.
UNUSED_PATHS = (
    "component_server", "custom_component", "deep_link", "dev", "file/", "process_recording", "proxy=",
    "run-history", "stream", "vibe-",
)  # fmt: skip
# What follows is a path of this machine, or an address, which Gradio would fetch.
FILE_PATH = "file="
NOT_HERE = "Not found."


@dataclass(frozen=True, slots=True)
class UsedPaths:
    """Hides what Gradio offers beyond what this page uses: paths, and parts of files."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        path = scope.get("path", "").removeprefix("/gradio_api").lstrip("/")
        _, is_file, place = path.partition(FILE_PATH)
        if scope["type"] == "http" and (path.startswith(UNUSED_PATHS) or (is_file and place[:1] != "/")):
            await refuse(HTTPStatus.NOT_FOUND, NOT_HERE, scope, receive, send)
            return
        if scope["type"] == "http":
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await self.app(scope, receive, send)
