"""The page opens with pictures, whatever its address says; what belongs to one picture goes with it."""

import asyncio
import json
from typing import Any

import pytest

from explorer.features.layers import LAYERS
from tests.support.visitor import Page, Visitor, connect

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


def open_page(address: str, query: str) -> tuple[dict[str, Any], str]:
    """Open the page and return what Instant shows and the line on the address."""

    async def opened() -> tuple[Any, Any]:
        async with connect(60) as http:
            page = await Page(address, http).open()
            visitor = await Visitor(page, query).open()
            notice, *_ = await visitor.call("restore")
            stage, *_ = await visitor.call("welcome")
            await visitor.close()
            return stage, notice

    stage, notice = asyncio.run(opened())
    return json.loads(stage) if isinstance(stage, str) else stage, notice


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
