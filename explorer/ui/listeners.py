"""Who listens to the answers of the queue: a call that nobody listens to must not go on."""

from collections import Counter
from dataclasses import dataclass
from threading import Lock
from urllib.parse import parse_qs

from gradio.context import LocalContext
from starlette.types import ASGIApp, Receive, Scope, Send

# Between joining the queue and listening to it, a client needs one more request.
GRACE_SECONDS = 3.0
# Names the assistant's call that a call of this process by itself serves.
TOOL_CALL = "x-explorer-tool-call"
QUEUE_PATH, CALL_PATH = "/gradio_api/queue/data", "/gradio_api/call/"
PAGE_PATH = "/gradio_api/heartbeat/"  # Open for as long as a page is.


class Listeners:
    """The open answers, by the session or the call that they belong to."""

    def __init__(self) -> None:
        self._open = Counter[str]()
        self._lock = Lock()

    def add(self, key: str, change: int) -> None:
        """Count an answer that opens (1) or closes (-1)."""
        with self._lock:
            self._open[key] += change
            if not self._open[key]:
                del self._open[key]

    def listens(self, *keys: str | None) -> bool:
        """Whether an answer of any of these is open."""
        with self._lock:
            return any(key in self._open for key in keys)


LISTENERS = Listeners()  # Of this process, as is the server.


def page_of(session: str) -> str:
    """Name the answer that is open for as long as this session's page is."""
    return f"{PAGE_PATH}{session}"


@dataclass(frozen=True, slots=True)
class NoteListeners:
    """Middleware that notes which answers are open."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, noted as long as it lasts."""
        key = _key(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if key is None:
            await self.app(scope, receive, send)
            return
        LISTENERS.add(key, 1)
        try:
            await self.app(scope, receive, send)
        finally:
            LISTENERS.add(key, -1)


@dataclass(frozen=True, slots=True)
class Call:
    """The call at hand, as those who listen know it."""

    session: str | None
    event: str | None
    tool: str | None = None  # The assistant's call, if it is served by this one.

    @classmethod
    def current(cls) -> "Call":
        """Name the call that this thread serves."""
        request = LocalContext.request.get(None)
        headers = getattr(request, "headers", None) or {}
        session = getattr(request, "session_hash", None)
        return cls(session, LocalContext.event_id.get(None), headers.get(TOOL_CALL))

    @property
    def is_heard(self) -> bool:
        """Whether somebody listens now."""
        is_served = self.tool is None or LISTENERS.listens(self.tool)
        return is_served and LISTENERS.listens(self.session, self.event)


def _key(scope: Scope) -> str | None:
    """Give the session, or the call, whose answer a request asks for."""
    path = scope["path"].rstrip("/")
    if path == QUEUE_PATH:
        return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [None])[0]
    if path.startswith(PAGE_PATH):
        return page_of(path.removeprefix(PAGE_PATH))
    return path.rpartition("/")[2] if path.startswith(CALL_PATH) else None
