"""Whether somebody reads what an event sends: a call that nobody listens to must not compute.

Gradio computes for whoever posts an event, also when nobody fetches its messages. An answer that is open but
never read (a network that was cut) shows only in the messages that Gradio keeps, so this file looks at them.
"""

import time
from collections.abc import Sequence

import gradio as gr

from explorer.ui.listeners import GRACE_SECONDS, Call

# A browser's connection may falter for a while.
PATIENCE_SECONDS = 15.0
# With more than that on the way, a slow connection would see ever older frames.
MAX_UNREAD = 3


class Listener:
    """The other end of one event's messages."""

    def __init__(self, page: gr.Blocks, session: str | None) -> None:
        self._page, self._session = page, session
        self._call = Call.current()
        self._first: object = None
        self._open_at = self._read_at = time.monotonic()

    def is_gone(self) -> bool:
        """Whether nobody has asked for the answer, or read any of it, for a while."""
        now, unread = time.monotonic(), self._unread()
        first = unread[0] if unread else None
        if self._call.is_heard:
            self._open_at = now
        # Not by their number: a client that reads as fast as we write may always have one to read.
        if first is None or first is not self._first:
            self._read_at = now
        self._first = first
        return now - self._open_at > GRACE_SECONDS or now - self._read_at > PATIENCE_SECONDS

    def is_behind(self) -> bool:
        """Whether so much is unread that the next message had better be left out."""
        return len(self._unread()) > MAX_UNREAD

    def _unread(self) -> Sequence[object]:
        """Return the session's messages that Gradio keeps until they are fetched, the oldest first."""
        # Gradio and asyncio have no public way.
        kept = self._page._queue.pending_messages_per_session  # noqa: SLF001
        messages = kept.get(self._session or "")
        return () if messages is None else messages._queue  # noqa: SLF001
