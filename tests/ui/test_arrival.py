"""The page opens with pictures, whatever its address says; what belongs to one picture goes with it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from explorer.features.layers import LAYERS
from explorer.ui.session.app_state import AppState
from explorer.ui.session.recall import EVICTED
from explorer.ui.tabs.compare import RECORDED
from tests.support.visitor import EventFailedError, Page, Visitor, connect, draw_code, read_code

pytestmark = pytest.mark.usefixtures("fast_judge")
OURS = [
    "tab=live", "mode=class", "layer=layer3", "lang=de", "tour=1", "guess=5", "lesson=e30", "steps=20",
    "seed=7", "start=decoder", "seconds=20", "prior=2", "optimiser=adam", "layers=layer1",
]  # fmt: skip
FOREIGN = [
    "__theme=light",
    "__theme=dark",
    "__theme=system&deep_link=a1b2",
    "utm_source=x",
    "fbclid=1&__sign=2",
]
NONSENSE = ["example=nobody", "tab=9", "mode=teacher", "layer=layer9", "lang=xx", "tour=first", "steps=many"]


@asynccontextmanager
async def visiting(address: str, query: str = "") -> AsyncIterator[Visitor]:
    async with connect(60) as http:
        page = await Page(address, http).open()
        visitor = await Visitor(page, query).open()
        try:
            yield visitor
        finally:
            await visitor.close()


def open_page(address: str, query: str) -> tuple[Any, str]:
    """Open the page and return what Instant shows and the line on the address."""

    async def opened() -> tuple[Any, str]:
        async with visiting(address, query) as visitor:
            notice, *_ = await visitor.call("restore")
            stage, *_ = await visitor.call("welcome")
            return stage, notice

    stage, notice = asyncio.run(opened())
    return json.loads(stage) if isinstance(stage, str) else stage, notice


async def lay_down(visitor: Visitor, code: int) -> None:
    picture = await visitor.upload(draw_code(code))
    await visitor.call("accept", picture=picture)
    await visitor.call("decode")


@pytest.mark.parametrize("query", ["", *OURS, *FOREIGN])
def test_the_page_opens_with_the_decoded_example_whatever_its_address_says(address: str, query: str) -> None:
    stage, notice = open_page(address, query)
    assert list(stage["panels"]) == list(LAYERS)
    assert all(panel["src"].startswith("data:image/jpeg") for panel in stage["panels"].values())
    assert notice == ""


@pytest.mark.parametrize("query", NONSENSE)
def test_a_value_that_means_nothing_is_left_out_with_one_line(address: str, query: str) -> None:
    stage, notice = open_page(address, query)
    assert list(stage["panels"]) == list(LAYERS)
    assert f"left out: {query}<" in notice


def test_nonsense_is_told_as_text_alone(address: str) -> None:
    _, notice = open_page(address, "example=<img src=x onerror=alert(1)>")
    assert "<img" not in notice


def test_an_example_that_the_address_names_is_shown_instead(address: str) -> None:
    stage, notice = open_page(address, "example=coffee&__theme=dark")
    assert not isinstance(stage, dict) or "panels" not in stage
    assert notice == ""


def test_compare_follows_the_picture_while_it_is_in_view(address: str) -> None:
    async def follow() -> tuple[list[Any], list[str]]:
        async with visiting(address) as visitor:
            await lay_down(visitor, 1)
            compared = [await visitor.call("open")]
            await lay_down(visitor, 2)
            compared.append(await visitor.call("renew_pair"))
            return [one["pictures"] for (one,) in compared], visitor.log

    shown, log = asyncio.run(follow())
    assert [read_code(pictures["original"]["src"]) for pictures in shown] == [1, 2]
    assert [list(pictures) for pictures in shown] == [["original", *(f"{one} decoded" for one in LAYERS)]] * 2
    assert EVICTED not in log


def test_a_link_to_compare_opens_with_pictures(address: str) -> None:
    async def opened() -> Any:
        async with visiting(address, "example=coffee&tab=compare") as visitor:
            _, _, picture, *_ = await visitor.call("restore")
            await visitor.call("accept", picture=picture)
            await visitor.call("decode")
            return (await visitor.call("renew_pair"))[0]

    assert list(asyncio.run(opened())["pictures"]) == [
        "original",
        *(f"{one} decoded" for one in LAYERS),
        RECORDED,
    ]


def test_compare_out_of_view_is_left_alone(address: str) -> None:
    async def out_of_view() -> Any:
        async with visiting(address) as visitor:
            await lay_down(visitor, 1)
            await visitor.call("open")
            await visitor.call("turn_to", event_data={"index": 0})
            return (await visitor.call("renew_pair"))[0]

    assert "pictures" not in asyncio.run(out_of_view())


def test_a_pair_that_was_chosen_stays_chosen_for_another_picture(address: str) -> None:
    async def choose() -> Any:
        async with visiting(address) as visitor:
            await lay_down(visitor, 1)
            await visitor.call("open")
            await visitor.call("pick", event_data={"a": "layer2 decoded", "b": "layer1 decoded"})
            await lay_down(visitor, 2)
            return (await visitor.call("renew_pair"))[0]

    compared = asyncio.run(choose())
    assert (compared["a"], compared["b"]) == ("layer2 decoded", "layer1 decoded")


def test_only_what_had_to_make_room_is_said_to_have(served: tuple[str, AppState]) -> None:
    address, state = served

    async def come_back() -> tuple[list[str], list[str], Any]:
        async with visiting(address) as visitor:
            await visitor.call("welcome")
            await visitor.call("open")
            before = list(visitor.log)
            state.visits.get(visitor.session).forget()
            (compared,) = await visitor.call("open")
            return before, visitor.log, compared

    before, after, compared = asyncio.run(come_back())
    assert before == []
    assert after == [EVICTED]
    # The example that the page opened with, to begin anew.
    assert list(compared["pictures"]) == ["original", RECORDED]


def test_explore_follows_the_picture_and_keeps_what_it_shows_of_it(address: str) -> None:
    async def explore() -> list[Any]:
        async with visiting(address) as visitor:
            await lay_down(visitor, 1)
            opened = await visitor.call("open_experiments")
            again = await visitor.call("open_experiments")
            await lay_down(visitor, 2)
            return [opened[0], again[0], (await visitor.call("renew_experiment"))[0]]

    opened, again, renewed = asyncio.run(explore())
    assert not isinstance(again, str)
    assert [read_code(json.loads(one)["pictures"][0]["src"]) for one in (opened, renewed)] == [1, 2]


def test_a_picture_that_was_taken_away_may_come_again_at_once(address: str) -> None:
    async def come_again() -> list[Any]:
        async with visiting(address) as visitor:
            picture = await visitor.upload(draw_code(3))
            return [(await visitor.call("accept", picture=one))[0] for one in (picture, None, picture)]

    first, nothing, again = (json.loads(stage)["original"] for stage in asyncio.run(come_again()))
    assert nothing == ""
    assert read_code(first) == read_code(again) == 3


def test_a_refused_file_leaves_what_stood_and_the_box_shows_it_again(address: str) -> None:
    async def refuse() -> tuple[str, Any, Any, Any]:
        async with visiting(address) as visitor:
            picture = await visitor.upload(draw_code(3))
            await visitor.call("accept", picture=picture)
            broken = await visitor.upload(b"no image at all", "text.png")
            with pytest.raises(EventFailedError) as refusal:
                await visitor.call("accept", picture=broken)
            (shown,) = await visitor.call("put_back", picture=broken)
            told = await visitor.call("accept_1", picture=shown)
            return str(refusal.value), shown["path"] == picture["path"], told[0], await visitor.call("decode")

    refusal, is_back, told, decoded = asyncio.run(refuse())
    assert "Couldn't read this file" in refusal
    assert is_back
    assert not isinstance(told, str)
    assert read_code(json.loads(decoded[0])["original"]) == 3
