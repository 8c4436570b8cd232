"""What a caller is sent of a job: what is outdated may be left out, the last item never."""

import asyncio
from collections.abc import Iterator

import gradio as gr
import pytest
from starlette.requests import Request

from explorer.ui.queue.following import follow
from explorer.ui.queue.queue import RunQueue
from tests.support.counting import Counting


@pytest.fixture
def queue() -> Iterator[RunQueue]:
    queue = RunQueue()
    yield queue
    queue.close()


def collect(queue: RunQueue, steps: int) -> list[str]:
    async def read() -> list[str]:
        items = []
        with gr.Blocks() as page:
            pass
        scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": [], "query_string": b""}
        request = gr.Request(Request(scope), session_hash="a")
        async for item, _ in follow(queue, page, Counting("a", [], steps), request):
            items.append(item)
        return [item for item in items if item is not None]

    return asyncio.run(read())


def test_a_slow_reader_gets_the_last_item_and_nothing_outdated(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.ui.queue.listener.Listener.is_behind", lambda _: True)
    assert collect(queue, steps=20) == ["a 0"]


def test_a_quick_reader_gets_the_last_item_once(queue: RunQueue) -> None:
    items = collect(queue, steps=20)
    assert items[-1] == "a 0"
    assert len(set(items)) == len(items)
