"""A visitor whose page closes for a moment, as on a phone that shows another app, finds the picture again."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from explorer.decoding.square import CENTRE, Crop
from explorer.ui.limits.uploads import UPLOADS
from explorer.ui.links import LOST_RUN
from explorer.ui.listeners import LISTENERS, page_of
from explorer.ui.session.app_state import AppState
from explorer.ui.session.visit import Source
from explorer.ui.session.visits import AWAY_SECONDS, Visits
from tests.support.visitor import Page, Visitor, connect, draw_code, read_code

pytestmark = pytest.mark.usefixtures("fast_judge")


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visits(clock: Clock) -> Visits:
    return Visits(now=clock)


@pytest.fixture
def upload(visits: Visits, tmp_path: Path) -> Path:
    """A picture that a visitor has laid down."""
    path = tmp_path / "hash" / "photo.png"
    path.parent.mkdir()
    path.touch()
    UPLOADS.add(path, "here")
    visit = visits.get("a")
    visit.uploads[path] += 1
    visit.source = Source(None, str(path))
    return path


def test_who_is_away_is_forgotten_after_two_minutes_with_the_upload(
    visits: Visits, clock: Clock, upload: Path
) -> None:
    visits.step_out("a", "here")
    clock.seconds += AWAY_SECONDS - 1
    assert visits.sweep() == []
    assert upload.exists()
    clock.seconds += 2
    assert visits.sweep() == ["a"]
    assert not upload.exists()
    assert len(visits) == 0


def test_who_comes_back_in_time_stays(visits: Visits, clock: Clock, upload: Path) -> None:
    visits.step_out("a", "here")
    clock.seconds += 100
    visits.get("a")
    clock.seconds += 100
    assert visits.sweep() == []
    assert upload.exists()


def test_whose_page_is_open_again_stays(visits: Visits, clock: Clock, upload: Path) -> None:
    visits.step_out("a", "here")
    LISTENERS.add(page_of("a"), 1)
    clock.seconds += 200
    try:
        assert visits.sweep() == []
    finally:
        LISTENERS.add(page_of("a"), -1)
    assert upload.exists()
    assert visits.sweep() == ["a"]


def test_a_page_that_is_loaded_anew_takes_the_upload_over(visits: Visits, clock: Clock, upload: Path) -> None:
    visits.step_out("a", "here")
    source = visits.move("a", "b")
    assert source == Source(None, str(upload))
    visits.get("b").uploads[upload] += 1  # As laying it down does.
    visits.step_out("b", "here")
    clock.seconds += 200
    assert visits.sweep() == ["b"]
    assert not upload.exists()


def test_a_page_that_is_loaded_anew_keeps_the_square_that_was_chosen(visits: Visits, upload: Path) -> None:
    visits.get("a").source = Source(None, str(upload), crop=Crop(0.3, 0.5, 0.6))
    visits.step_out("a", "here")
    visits.move("a", "b")
    assert visits.get("b").find_crop(str(upload)) == Crop(0.3, 0.5, 0.6)
    assert visits.get("b").find_crop("another") == CENTRE


def test_nothing_of_a_page_that_is_open_is_taken_over(visits: Visits, upload: Path) -> None:
    assert visits.move("a", "b") is None
    assert visits.move("nobody", "b") is None
    assert visits.get("a").uploads == {upload: 1}


def wait_until_away(state: AppState, session: str) -> None:
    deadline = time.monotonic() + 30
    while state.visits.is_present(session):
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def lay_down(visitor: Visitor, code: int) -> dict[str, Any]:
    picture = await visitor.upload(draw_code(code))
    await visitor.call("accept", picture=picture)
    return picture


def test_a_phone_that_comes_back_runs_with_its_picture(served: tuple[str, AppState]) -> None:
    address, state = served

    async def come_back() -> dict[str, Any]:
        async with connect(60) as http:
            visitor = await Visitor(await Page(address, http).open()).open()
            await lay_down(visitor, 21)
            await visitor.close()
            await asyncio.to_thread(wait_until_away, state, visitor.session)
            await visitor.open()
            shown = None
            async for stage, _ in visitor.stream("run", steps=10, layers=["layer1"]):
                shown = json.loads(stage) if isinstance(stage, str) and shown is None else shown
            await visitor.close()
            assert shown is not None
            return shown

    assert read_code(asyncio.run(come_back())["original"]) == 21


@pytest.mark.parametrize("is_running", [False, True])
def test_a_page_that_is_loaded_anew_has_its_picture_and_says_what_has_ended(
    address: str, *, is_running: bool
) -> None:
    async def load_anew() -> tuple[dict[str, Any], list[str]]:
        async with connect(60) as http:
            page = await Page(address, http).open()
            before, after = Visitor(page), Visitor(page)
            await before.open()
            await lay_down(before, 22)
            if is_running:
                async for _ in before.stream("run", steps=1000, seconds=120, layers=["layer1"]):
                    break
            await before.close()
            await after.open()
            _, visit, path, *_ = await after.call("restore", last_visit=before.session)
            assert visit == after.session
            await after.call("accept", picture=path)
            (stage,) = await after.call("decode")
            await after.close()
            return json.loads(stage), after.log

    stage, log = asyncio.run(load_anew())
    assert read_code(stage["original"]) == 22
    assert (LOST_RUN in log) == is_running
