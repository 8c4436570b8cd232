"""Many visitors at once: nobody is thrown out or waits behind a run, everybody sees the own picture."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import gradio as gr
import httpx
import pytest

from explorer.ui.components import callers, checked_blocks
from explorer.ui.components.callers import UNHEARD, await_listener
from explorer.ui.queue import listener
from explorer.ui.session.app_state import AppState
from explorer.ui.session.recall import EVICTED
from tests.support.visitor import EventFailedError, Page, Visitor, connect, draw_code, read_code

pytestmark = pytest.mark.usefixtures("fast_judge")

MANY = pytest.mark.parametrize("many", [4, pytest.param(30, marks=pytest.mark.slow)])


@asynccontextmanager
async def visitors(address: str, count: int) -> AsyncIterator[list[Visitor]]:
    async with connect(120) as http:
        page = await Page(address, http).open()
        opened = [await Visitor(page).open() for _ in range(count)]
        try:
            yield opened
        finally:
            await asyncio.gather(*(visitor.close() for visitor in opened))


async def arrive(visitor: Visitor, code: int) -> dict[str, Any]:
    """Lay down a picture with a code and decode it; return the file and what Instant shows."""
    picture = await visitor.upload(draw_code(code))
    await visitor.call("accept", picture=picture)
    (stage,) = await visitor.call("decode", picture=picture)
    return {"picture": picture, "stage": json.loads(stage)}


async def run(visitor: Visitor, picture: object, **options: object) -> list[dict[str, Any]]:
    """Run, and return what the stage showed."""
    shown = []
    async for stage, _ in visitor.stream("run", picture=picture, **options):
        if isinstance(stage, str):
            shown.append(json.loads(stage))
    return shown


def wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@MANY
def test_many_visitors_decode_and_each_sees_the_own_picture(address: str, many: int) -> None:
    async def all_arrive() -> list[dict[str, Any]]:
        async with visitors(address, many) as everybody:
            return await asyncio.gather(*(arrive(one, code) for code, one in enumerate(everybody)))

    for code, arrived in enumerate(asyncio.run(all_arrive())):
        assert read_code(arrived["stage"]["original"]) == code
        assert len(arrived["stage"]["panels"]) == 4


@MANY
def test_many_runs_all_begin_soon_and_all_end(
    served: tuple[str, AppState], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, state = served
    # All thirty clients are this one process, which may take seconds to begin to listen.
    monkeypatch.setattr(callers, "GRACE_SECONDS", 60)
    monkeypatch.setattr(listener, "GRACE_SECONDS", 60)

    async def run_one(visitor: Visitor, code: int) -> tuple[float, list[dict[str, Any]]]:
        picture = await visitor.upload(draw_code(code))
        await visitor.call("accept", picture=picture)
        began, first = time.monotonic(), None
        shown = []
        # As little work as a run can be: what is looked at is the turns that runs take, not the optimiser.
        async for stage, _ in visitor.stream("run", picture=picture, steps=10, layers=["layer1"]):
            if isinstance(stage, str):
                first = first or time.monotonic() - began
                shown.append(json.loads(stage))
        return first or float("inf"), shown

    async def run_all() -> list[tuple[float, list[dict[str, Any]]]]:
        async with visitors(address, many) as everybody:
            return await asyncio.gather(*(run_one(one, code) for code, one in enumerate(everybody)))

    began = time.monotonic()
    all_seen = asyncio.run(run_all())
    seconds = time.monotonic() - began
    # On a machine of any speed: the first pictures come before most of the work is done.
    assert max(first for first, _ in all_seen) < seconds / 2
    for code, (_, shown) in enumerate(all_seen):
        assert read_code(shown[0]["original"]) == code
        assert shown[-1]["status"].startswith("Done")
        assert set(shown[-1]["panels"]) == {"layer1"}
    assert len(state.queue) == 0


@pytest.mark.slow
def test_light_events_are_answered_while_as_many_runs_wait_as_an_address_may_have(
    served: tuple[str, AppState],
) -> None:
    address, state = served

    async def crowd() -> tuple[float, str]:
        async with visitors(address, state.queue.limits.per_address + 1) as (*runners, late):
            pictures = [(await arrive(runners[0], 1))["picture"]] * len(runners)
            for one, picture in zip(runners[1:], pictures, strict=False):
                await one.call("accept", picture=picture)
            running = [
                asyncio.create_task(run(one, picture, steps=1000, seconds=120))
                for one, picture in zip(runners, pictures, strict=True)
            ]
            await asyncio.to_thread(wait_until, lambda: len(state.queue) == len(runners))
            began = time.monotonic()
            arrived = await arrive(late, 7)
            seconds = time.monotonic() - began
            with pytest.raises(EventFailedError) as refusal:
                await run(late, arrived["picture"])
            for task in running:
                task.cancel()
            return seconds, str(refusal.value)

    seconds, refusal = asyncio.run(crowd())
    assert seconds < 30
    assert "from your address" in refusal
    wait_until(lambda: len(state.queue) == 0, seconds=10)


def test_a_run_ends_when_its_tab_is_closed(served: tuple[str, AppState]) -> None:
    address, state = served

    async def close_midway() -> None:
        async with visitors(address, 1) as (visitor,):
            picture = (await arrive(visitor, 3))["picture"]
            async for stage, _ in visitor.stream("run", picture=picture, steps=1000, seconds=120):
                if isinstance(stage, str):
                    break

    asyncio.run(close_midway())
    wait_until(lambda: len(state.queue) == 0, seconds=10)


def test_a_call_that_nobody_listens_to_is_refused_and_nothing_is_computed(
    served: tuple[str, AppState], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, state = served
    refused: list[str] = []

    async def noted(*given: Any) -> None:
        try:
            await await_listener(*given)
        except gr.Error as error:
            refused.append(str(error.message))
            raise

    monkeypatch.setattr(callers, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(checked_blocks, "await_listener", noted)
    monkeypatch.setattr(state.queue, "_join", lambda _ticket: pytest.fail("computed"))

    async def post_only() -> None:
        async with connect(30) as http:
            page = await Page(address, http).open()
            for _ in range(3):
                body = {
                    "fn_index": page.event("optimise")["id"],
                    "data": ["cat", "layer4", "optimiser", 1000, 0],
                    "session_hash": uuid4().hex,
                }
                assert (await http.post(f"{page.api}/queue/join", json=body)).status_code == httpx.codes.OK

    asyncio.run(post_only())
    wait_until(lambda: refused == [UNHEARD] * 3, seconds=120)


@pytest.mark.slow
def test_calls_by_programs_leave_room_for_the_page(served: tuple[str, AppState]) -> None:
    address, state = served
    programs = state.queue.limits.programs

    async def flood() -> tuple[str, list[dict[str, Any]]]:
        async with visitors(address, programs + 2) as (*callers, refused, visitor):
            calls = [asyncio.create_task(one.call("optimise")) for one in callers]
            await asyncio.to_thread(wait_until, lambda: len(state.queue) == programs)
            with pytest.raises(EventFailedError) as refusal:
                await refused.call("optimise")
            picture = (await arrive(visitor, 5))["picture"]
            shown = await run(visitor, picture, steps=10, layers=["layer1"])
            for call in calls:
                call.cancel()
            return str(refusal.value), shown

    refusal, shown = asyncio.run(flood())
    assert "the rest of the queue is kept for the page" in refusal
    assert shown[-1]["status"].startswith("Done")
    wait_until(lambda: len(state.queue) == 0, seconds=30)


def test_an_evicted_visitor_is_told_and_goes_on_with_the_same_picture(served: tuple[str, AppState]) -> None:
    address, state = served

    async def come_back() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        async with visitors(address, 1) as (visitor,):
            picture = (await arrive(visitor, 11))["picture"]
            state.visits.get(visitor.session).forget()  # As when others need the room.
            shown = await run(visitor, picture, steps=10, layers=["layer1"])
            (compared,) = await visitor.call("open", picture=picture)
            return shown, {"compared": compared, "log": visitor.log}

    shown, rest = asyncio.run(come_back())
    assert read_code(shown[0]["original"]) == 11
    assert shown[-1]["status"].startswith("Done")
    assert "layer1 optimised" in rest["compared"]["pictures"]
    assert EVICTED in rest["log"]


def test_stop_works_before_the_run_has_begun_and_control_comes_back(served: tuple[str, AppState]) -> None:
    address, state = served

    async def stop_early() -> list[Any]:
        async with visitors(address, 2) as (first, second):
            picture = (await arrive(first, 1))["picture"]
            own = (await arrive(second, 2))["picture"]
            busy = asyncio.create_task(run(first, picture, steps=1000, seconds=120))
            await asyncio.to_thread(wait_until, lambda: len(state.queue) == 1)
            waiting = asyncio.create_task(run(second, own, steps=1000, seconds=120))
            await asyncio.to_thread(wait_until, lambda: len(state.queue) == 2)
            began = time.monotonic()
            await second.call("stop")
            await waiting
            seconds = time.monotonic() - began
            buttons = await second.call("finish")
            busy.cancel()
            return [seconds, buttons]

    seconds, buttons = asyncio.run(stop_early())
    assert seconds < 5
    assert buttons[0]["interactive"] is True
