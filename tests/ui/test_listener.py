"""Whether somebody reads what an event sends."""

import asyncio
from typing import Any

import gradio as gr
import pytest

from explorer.ui.queue import listener
from explorer.ui.queue.listener import MAX_UNREAD, PATIENCE_SECONDS, Listener

SESSION = "a visitor"


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(listener, "time", clock)
    monkeypatch.setattr("explorer.ui.listeners.Call.is_heard", True)
    return clock


@pytest.fixture
def messages() -> asyncio.Queue[Any]:
    return asyncio.Queue()


@pytest.fixture
def heard(clock: Clock, messages: asyncio.Queue[Any]) -> Listener:
    page = gr.Blocks()
    page._queue.pending_messages_per_session[SESSION] = messages  # noqa: SLF001
    return Listener(page, SESSION)


def test_a_client_that_reads_as_fast_as_is_written_is_never_gone(
    heard: Listener, clock: Clock, messages: asyncio.Queue[Any]
) -> None:
    for _ in range(MAX_UNREAD):
        messages.put_nowait(object())
    for _ in range(100):
        clock.now += PATIENCE_SECONDS / 10
        messages.put_nowait(object())
        messages.get_nowait()
        assert not heard.is_gone()
    assert not heard.is_behind()


def test_a_client_that_reads_nothing_is_gone_after_a_while(
    heard: Listener, clock: Clock, messages: asyncio.Queue[Any]
) -> None:
    messages.put_nowait(object())
    assert not heard.is_gone()
    clock.now += PATIENCE_SECONDS
    messages.put_nowait(object())
    assert not heard.is_gone()
    clock.now += 0.1
    assert heard.is_gone()
