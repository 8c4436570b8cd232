"""Following a job of the queue for whoever called: its items, its place, and whether anybody listens."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import gradio as gr

from explorer.ui.components.errors import clear_errors
from explorer.ui.limits.callers import caller
from explorer.ui.queue.listener import Listener
from explorer.ui.queue.place import describe_place
from explorer.ui.queue.queue import RunQueue
from explorer.ui.queue.ticket import Job

PLACE_EVERY_SECONDS = 1.0


async def follow(
    queue: RunQueue, page: gr.Blocks, job: Job, request: gr.Request, *, is_program: bool = False
) -> AsyncGenerator[tuple[Any | None, str], None]:
    """Queue a job up and yield what it makes, or None, each with the words on its place in the queue.

    Ends early, and stops the job, when nobody listens any more. A slow connection is spared what is outdated.

    Raises:
        gr.Error: the queue is full, or the job has failed for a reason that explains itself.
    """
    listener = Listener(page, request.session_hash)
    with clear_errors(), queue.ticket(job, caller(request), is_program=is_program) as ticket:
        async with aclosing(ticket.follow(PLACE_EVERY_SECONDS)) as items:
            outdated = None
            async for item in items:
                if listener.is_gone():
                    return
                if listener.is_behind():
                    outdated = item or outdated
                    continue
                outdated = None
                yield item, describe_place(queue.place(ticket))
            if outdated is not None:  # The last one is never outdated.
                yield outdated, describe_place(queue.place(ticket))
