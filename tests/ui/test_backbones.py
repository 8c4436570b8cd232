"""A page on a network that is no ResNet: every tab and endpoint shows the layers that this network offers."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from gradio_client import Client

from explorer.examples import EXAMPLES
from explorer.features.network import Network
from explorer.ui.components.examples import example_file
from explorer.ui.page import describe_decoders
from explorer.ui.session.app_state import AppState
from tests.support.raw import RawPage, error_of, fill_in
from tests.support.served import MOBILENET_LAYERS as NAMES
from tests.support.served import MOBILENET_SHAPES as SHAPES
from tests.support.visitor import EventFailedError, Page, Visitor, connect

pytestmark = [
    pytest.mark.usefixtures("fast_judge"),
    pytest.mark.xdist_group("mobilenet"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def address(served_mobilenet: tuple[str, AppState]) -> str:
    return served_mobilenet[0]


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Visitor]:
    async with connect(300) as http:
        visitor = await Visitor(await Page(address, http).open()).open()
        try:
            yield visitor
        finally:
            await visitor.close()


async def lay_down(visitor: Visitor, example: str = "coffee") -> tuple[dict[str, Any], list[Any]]:
    """Upload an example's file; return it, and what the page answers."""
    picture = await visitor.upload(Path(example_file(example)).read_bytes())
    return picture, await visitor.call("accept", picture=picture)


def shown(outputs: list[Any]) -> dict[str, Any]:
    return json.loads(outputs[0])


def props(config: dict[str, Any], label: str) -> Iterator[dict[str, Any]]:
    for entry in config["components"]:
        if entry["props"].get("label") == label:
            yield entry["props"]


def test_the_layers_of_the_page_are_those_of_the_lab(served_mobilenet: tuple[str, AppState]) -> None:
    _, state = served_mobilenet
    assert state.network.layers == state.lab.layers == NAMES
    assert state.loading.notice is None
    assert [state.network.shapes[layer] for layer in NAMES] == SHAPES


def test_every_choice_of_layers_offers_these_and_no_others(address: str) -> None:
    config = RawPage(address).config
    offered = list(props(config, "Layers"))
    assert [[value for _, value in one["choices"]] for one in offered] == [list(NAMES)] * 2
    assert [one["value"] for one in offered] == [list(NAMES)] * 2
    (own,) = props(config, "Own network")
    assert own["value"] == "mobilenet_v3_small"


def test_no_text_of_the_page_speaks_of_resnet50_or_of_its_layers(address: str) -> None:
    config = RawPage(address).config
    laid_out = [entry["props"].get("js_on_load") or "" for entry in config["components"]]
    panels = [re.findall(r'data-panel=\\"(.*?)\\"', script) for script in laid_out if "data-panel" in script]
    assert [names for names in panels if names] == [["original", *NAMES]] * 2
    title = next(one["props"] for one in config["components"] if one["props"].get("elem_id") == "title")
    assert "each layer of mobilenet_v3_small" in title["value"]
    models = next(one["props"] for one in config["components"] if one["props"].get("elem_id") == "models")
    assert "ResNet-50" not in title["value"] + models["value"]
    assert all(f"--{name.replace('.', '-')}: #" in config["css"] for name in NAMES)


def test_instant_shows_every_layer_by_a_linear_decoder_and_says_so(address: str) -> None:
    async def decode() -> dict[str, Any]:
        async with opened(address) as visitor:
            picture, _ = await lay_down(visitor)
            return shown(await visitor.call("decode", picture=picture))

    stage = asyncio.run(decode())
    assert list(stage["panels"]) == list(NAMES)
    assert all("linear decoder" in panel["note"] for panel in stage["panels"].values())
    assert [panel["shape"] for panel in stage["panels"].values()] == SHAPES
    assert stage["panels"][NAMES[0]]["psnr_db"] > stage["panels"][NAMES[-1]]["psnr_db"]
    assert stage["captions"][0]["about"] == [NAMES[0]]


def test_live_runs_the_layers_that_are_chosen(address: str) -> None:
    async def run() -> list[dict[str, Any]]:
        async with opened(address) as visitor:
            picture, _ = await lay_down(visitor)
            chosen = {"picture": picture, "steps": 10, "layers": [NAMES[3], NAMES[0]]}
            return [
                json.loads(stage)
                async for stage, _ in visitor.stream("run", **chosen)
                if isinstance(stage, str)
            ]

    stages = asyncio.run(run())
    assert list(stages[-1]["panels"]) == [NAMES[0], NAMES[3]]
    assert [row["layer"] for row in stages[-1]["table"]["rows"]] == [NAMES[0], NAMES[3]]
    assert stages[-1]["status"].startswith("Done")


def test_live_refuses_a_layer_of_another_network(address: str) -> None:
    async def run() -> None:
        async with opened(address) as visitor:
            picture, _ = await lay_down(visitor)
            await visitor.call("run", picture=picture, layers=["layer1"])

    with pytest.raises(EventFailedError, match=r"'layer1' .* not in the list of choices: \['features"):
        asyncio.run(run())


def test_the_recorded_runs_which_are_of_resnet50_are_not_offered(address: str) -> None:
    async def offer() -> tuple[list[Any], list[Any]]:
        async with opened(address) as visitor:
            _, accepted = await lay_down(visitor, next(iter(EXAMPLES)))
            return accepted, await visitor.call("replay")

    accepted, replayed = asyncio.run(offer())
    assert accepted[2]["visible"] is False
    assert not any(isinstance(output, str) for output in replayed)


def test_compare_offers_what_was_made_of_each_layer(address: str) -> None:
    async def compare() -> dict[str, Any]:
        async with opened(address) as visitor:
            picture, _ = await lay_down(visitor)
            await visitor.call("decode", picture=picture)
            return (await visitor.call("open", picture=picture))[0]

    assert list(asyncio.run(compare())["pictures"]) == ["original", *(f"{name} decoded" for name in NAMES)]


def test_explore_shows_every_layer_and_writes_code_for_this_network(address: str) -> None:
    async def explore() -> list[Any]:
        async with opened(address) as visitor:
            picture, _ = await lay_down(visitor)
            return await visitor.call("open_experiments", picture=picture)

    stage, code, *_ = asyncio.run(explore())
    assert [one["layer"] for one in json.loads(stage)["pictures"]] == [None, *NAMES]
    assert 'Lab.load("untrained", backbone="mobilenet_v3_small")' in code


@pytest.mark.slow
def test_own_weights_of_the_page_s_network_run_beside_it(
    served_mobilenet: tuple[str, AppState],
) -> None:
    address, state = served_mobilenet
    page, buffer = RawPage(address), BytesIO()
    torch.save(state.lab.backbone.network.state_dict(), buffer)
    uploads = {"mine.pth": buffer.getvalue(), "cat.png": Path(example_file("cat")).read_bytes()}
    path, picture = (
        httpx.post(f"{page.api}/upload", files={"files": (name, content)}).json()[0]
        for name, content in uploads.items()
    )
    page.lay_down("accept", picture, "a teacher")
    page.lay_down("lay_weights", path, "a teacher")
    event = page.event("measure_experiment")
    given = {"Experiment": "backbones", "Networks": ""}
    messages = page.send(event, fill_in(page, event, given), session="a teacher")
    assert error_of(messages) is None
    assert "mobilenet_v3_small mine.pth" in str(messages)


def test_a_link_carries_layers_of_this_network(address: str) -> None:
    async def write() -> str:
        async with opened(address) as visitor:
            return (await visitor.call("write", layers=[NAMES[2]]))[0]

    assert asyncio.run(write()) == f"layers={NAMES[2]}"


def test_a_page_that_is_no_resnet50_says_that_its_decoders_are_linear() -> None:
    assert "linear ones, fitted on the examples" in str(describe_decoders(Network("vgg16")))
