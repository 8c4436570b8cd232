"""How much of Gradio's own queue a caller may have, and that nothing is computed which nobody waits for.

Runs have a queue of their own with limits of its own; this one holds all other events, and those that follow
runs.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from fastapi import Request
from gradio.context import LocalContext
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue

from explorer.decoding.pool import BUSY
from explorer.ui.bounds import MAX_EVENTS_AN_ADDRESS, MAX_SESSION_LENGTH
from explorer.ui.components.arguments import mistake
from explorer.ui.limits.callers import UNKNOWN, caller
from explorer.ui.listeners import GRACE_SECONDS, TOOL_CALL, Call

POLL_SECONDS = 0.1
PICTURE_SECONDS = 20.0  # A class behind one address lays its pictures down within some seconds.

ODD_SESSION = f"A session's name has {MAX_SESSION_LENGTH} characters at most."
TOO_MANY_EVENTS = "Too many requests from your address are waiting; try again in a minute."
UNKNOWN_EVENT = "There is no such event."
UNHEARD = "Nobody listens to the answer, so nothing was computed."


def bound_queue(queue: Queue) -> None:
    """Let a queue refuse events of odd sessions, of none of the page's, and too many of one address."""
    push = queue.push

    async def bounded(body: PredictBodyInternal, request: Request, username: str | None) -> Any:  # noqa: ANN401
        if len(body.session_hash or "") > MAX_SESSION_LENGTH:
            return False, ODD_SESSION, "error"
        if body.fn_index not in queue.blocks.fns:
            return False, UNKNOWN_EVENT, "error"
        address = caller(request)
        waiting = sum(caller(event.request) == address for event in queue.event_ids_to_events.values())
        if address != UNKNOWN and waiting >= MAX_EVENTS_AN_ADDRESS:
            return False, TOO_MANY_EVENTS, "queue_full"
        return await push(body, request, username)

    queue.push = bounded


async def await_listener(queue: Queue, event_id: str | None) -> None:
    """Wait until somebody listens to an event's answer, for as long as that may take after it was sent.

    Raises:
        gr.Error: nobody does.
    """
    event = queue.event_ids_to_events.get(event_id or "")
    if event is None:
        return
    tool = event.request.headers.get(TOOL_CALL)
    call = Call(event.session_hash, event._id, tool)  # noqa: SLF001 - it has no other name.
    while not call.is_heard:
        if time.monotonic() - event.enqueue_time > GRACE_SECONDS:
            raise mistake(UNHEARD)
        await asyncio.sleep(POLL_SECONDS)


@contextmanager
def one_picture_at_a_time() -> Iterator[None]:
    """Let the caller at hand have one picture read at once, so that others find a process that reads theirs.

    Raises:
        gr.Error: too many pictures of the same address wait.
    """
    address = caller(LocalContext.request.get(None))
    if address == UNKNOWN:
        yield
        return
    with _finding_turns:
        turn = _turns.setdefault(address, _Turn())
    if not turn.lock.acquire(timeout=PICTURE_SECONDS):
        raise mistake(BUSY)
    try:
        yield
    finally:
        turn.lock.release()


class _Turn:
    """A lock, which goes when nobody waits for it any more."""

    def __init__(self) -> None:
        self.lock = Lock()


_turns = WeakValueDictionary[str, _Turn]()
_finding_turns = Lock()
