"""An experiment's results go to its own panel alone, and its end says why there is no more."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager
from threading import Event
from typing import Any

import pytest

from explorer.experiments.experiment import Result
from explorer.experiments.operations.edit_table import EDITS
from explorer.ui.exploring import asking, handlers
from explorer.ui.exploring.handlers import NO_LAYER, STOPPED, TIME_IS_UP, describe_ending
from explorer.ui.jobs.experiment import ExperimentJob
from explorer.ui.session import exploring
from tests.support.visitor import EventFailedError, Page, Visitor, connect, draw_code

pytestmark = pytest.mark.usefixtures("fast_judge")
GATE_SECONDS = 60


def results(*progress: float) -> Generator[Result, None, None]:
    for share in progress:
        yield Result((), progress=share, doing="" if share == 1 else f"{share:.0%} …")


def take(job: ExperimentJob, count: int) -> None:
    slices = job.advance(math.inf)
    for _ in range(count):
        next(slices)


@pytest.mark.parametrize(
    ("seconds", "is_stopped", "said"),
    [
        (300, False, ""),
        (300, True, STOPPED),
        (0, False, TIME_IS_UP.format(handlers.EXPERIMENT_SECONDS)),
        (0, True, STOPPED),
    ],
)
def test_an_end_says_why_there_is_no_more(seconds: float, is_stopped: bool, said: str) -> None:
    job = ExperimentJob(lambda: results(0.2, 0.6, 1.0), seconds)
    take(job, 1)
    if is_stopped:
        job.stop()
    while not job.is_over:
        take(job, 1)
    assert describe_ending(job) == said


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Holds every experiment after its second result."""
    opened = Event()

    def follow(*_arguments: Any, **_options: Any) -> Generator[Result, None, None]:
        yield from results(0.1, 0.5)
        assert opened.wait(GATE_SECONDS)
        yield from results(0.9, 1.0)

    monkeypatch.setattr(exploring, "follow_experiment", follow)
    monkeypatch.setattr("explorer.ui.jobs.experiment.TELL_SECONDS", 0.0)  # Every result is told.
    yield opened
    opened.set()


async def measure(visitor: Visitor, is_half_done: asyncio.Event) -> list[dict[str, Any]]:
    """Measure the first experiment, tell when the gate is reached, and return what was shown."""
    shown = []
    async for stage, _ in visitor.stream("measure_experiment"):
        shown.append(json.loads(stage))
        if shown[-1]["progress"] >= 0.5:
            is_half_done.set()
    return shown


@asynccontextmanager
async def measuring(address: str) -> AsyncIterator[tuple[Visitor, asyncio.Task[list[dict[str, Any]]]]]:
    """A visitor whose experiment stands at the gate."""
    async with connect(120) as http:
        visitor = await Visitor(await Page(address, http).open()).open()
        await visitor.call("accept", picture=await visitor.upload(draw_code(1)))
        is_half_done = asyncio.Event()
        task = asyncio.create_task(measure(visitor, is_half_done))
        await is_half_done.wait()
        yield visitor, task
        await visitor.close()


def test_another_experiment_ends_the_one_under_way_and_measure_answers_again(
    address: str, gate: Event
) -> None:
    async def change() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with measuring(address) as (visitor, first):
            await visitor.call("choose", **{"explore-experiment": "blend"})
            gate.set()
            return await first, await measure(visitor, asyncio.Event())

    first, second = asyncio.run(change())
    assert max(one["progress"] for one in first) == 0.5
    assert second[-1]["progress"] == 1.0


def test_stop_says_that_it_has_stopped_and_leaves_no_bar(address: str, gate: Event) -> None:
    async def stop() -> list[dict[str, Any]]:
        async with measuring(address) as (visitor, task):
            await visitor.call("stop_experiment")
            gate.set()
            return await task

    last = asyncio.run(stop())[-1]
    assert (last["status"], last["progress"]) == (STOPPED, 1.0)


def test_no_layer_is_no_choice_of_all(address: str) -> None:
    async def ask() -> tuple[str, str]:
        async with connect(120) as http:
            visitor = await Visitor(await Page(address, http).open()).open()
            await visitor.call("accept", picture=await visitor.upload(draw_code(1)))
            shown, _ = await visitor.call("preview", **{"explore-layers": []})
            with pytest.raises(EventFailedError) as refusal:
                await visitor.call("measure_experiment", **{"explore-layers": []})
            await visitor.close()
            return json.loads(shown)["status"], str(refusal.value)

    shown, refusal = asyncio.run(ask())
    assert shown == NO_LAYER
    assert NO_LAYER in refusal


# Components are fitted first, which a first look does not wait for.
@pytest.mark.parametrize("edit", [edit for edit in EDITS if edit != "components"])
def test_every_edit_of_the_page_works_with_its_first_values(address: str, edit: str) -> None:
    async def ask() -> dict[str, Any]:
        async with connect(120) as http:
            page = await Page(address, http).open()
            visitor = await Visitor(page).open()
            await visitor.call("accept", picture=await visitor.upload(draw_code(1)))
            components = {one["id"]: one["props"] for one in page.config["components"]}
            offered = [components[one] for one in page.event("offer")["outputs"]]
            next(props for props in offered if props["label"] == "Edit")["value"] = edit
            for props, update in zip(offered, await visitor.call("offer"), strict=True):
                props.update({key: value for key, value in (update or {}).items() if key == "value"})
            shown, _ = await visitor.call("preview", **{"explore-layers": ["layer2", "layer3"]})
            await visitor.close()
            return json.loads(shown)

    captions = [one["caption"] for one in asyncio.run(ask())["pictures"]]
    assert [caption.split(" · ")[0] for caption in captions] == ["original", "layer2", "layer3"]


@pytest.mark.parametrize(("first", "second"), [("coffee", "galaxies"), ("cat", "coffee"), (None, "coffee")])
def test_nothing_is_blended_with_itself(first: str | None, second: str) -> None:
    assert asking.other_than(first, "coffee") == second
