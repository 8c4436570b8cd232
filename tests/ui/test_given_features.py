"""Features laid down where photos are: decoded as the picture's own; what lacks the original says so."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import torch
from safetensors.torch import save

from explorer.examples import load_example
from explorer.features.layers import LAYERS
from explorer.features.recorded import RecordedFeatures, parse_features
from explorer.lab.lab import Lab
from explorer.lab.scorer import NO_ORIGINAL
from explorer.ui.components.given import PICKLE
from explorer.ui.exploring.asking import NEEDS_PICTURE
from explorer.ui.export import pack_exploration
from explorer.ui.language import read_catalogue
from explorer.ui.session.app_state import AppState
from explorer.ui.session.recall import EVICTED
from explorer.ui.session.visit import Exploration
from explorer.ui.stage.value import FEATURES_ONLY
from explorer.ui.tabs.instant import decode_picture
from tests.support.catalogue import is_known
from tests.support.tiny import make_tiny_network
from tests.support.visitor import EventFailedError, Page, Visitor, connect, draw_code

pytestmark = pytest.mark.usefixtures("fast_judge")

NAME = "mine.safetensors"


@pytest.fixture(scope="module")
def recorded(coarse_lab: Lab) -> RecordedFeatures:
    return coarse_lab.record(load_example("coffee"))


def visit(address: str, act: Callable[[Visitor], Awaitable[Any]]) -> Any:
    """Let a visitor act on the page, and return what that gives."""

    async def visiting() -> Any:
        async with connect(60) as http:
            visitor = await Visitor(await Page(address, http).open()).open()
            try:
                return await act(visitor)
            finally:
                await visitor.close()

    return asyncio.run(visiting())


async def lay_down(visitor: Visitor, content: bytes, name: str = NAME) -> list[Any]:
    return await visitor.call("accept", picture=await visitor.upload(content, name))


def exploration_of(state: AppState, visitor: Visitor) -> Exploration:
    exploration = state.visits.get(visitor.session).exploration
    assert exploration is not None
    return exploration


def test_the_features_of_an_export_give_the_photo_s_own_pictures_to_the_bit(
    served: tuple[str, AppState],
) -> None:
    address, state = served

    async def there_and_back(visitor: Visitor) -> tuple[Exploration, Exploration]:
        await lay_down(visitor, draw_code(5), "photo.png")
        await visitor.call("decode")
        of_photo = exploration_of(state, visitor)
        with ZipFile(BytesIO(pack_exploration(state.lab, of_photo))) as archive:
            content = archive.read("reconstructions/features.safetensors")
        await lay_down(visitor, content, "photo.png")  # Its name tells nothing.
        await visitor.call("decode")
        return of_photo, exploration_of(state, visitor)

    of_photo, of_features = visit(address, there_and_back)
    assert of_features is not of_photo
    assert list(of_features.decoded_results) == list(LAYERS)
    for layer, made in of_photo.decoded_results.items():
        assert torch.equal(made.images, of_features.decoded_results[layer].images)


def test_what_needs_the_original_is_missing_with_its_reason_and_the_feature_error_is_there(
    address: str, recorded: RecordedFeatures
) -> None:
    async def look(visitor: Visitor) -> list[dict[str, Any]]:
        shown = [(await lay_down(visitor, recorded.pack()))[0]]
        shown += [(await visitor.call(event))[0] for event in ("decode", "measure")]
        return [json.loads(stage) for stage in shown]

    for stage in (stages := visit(address, look)):
        assert (stage["original"], stage["original_says"]) == ("", FEATURES_ONLY)
    _, decoded, measured = stages
    assert NO_ORIGINAL in measured["status"]
    for layer in LAYERS:
        panel = measured["panels"][layer]
        assert decoded["panels"][layer]["src"] == panel["src"] != ""
        assert [panel[key] for key in ("psnr_db", "ssim", "lpips", "thumbnail", "recognised")] == [None] * 5
        assert panel["feature"] > 0


def test_a_layer_that_the_file_lacks_says_so_on_both_stages(address: str, recorded: RecordedFeatures) -> None:
    async def look(visitor: Visitor) -> list[Any]:
        laid = await lay_down(visitor, recorded.keep(["layer2"]).pack())
        return [*laid[:2], (await visitor.call("decode"))[0], (await visitor.call("measure"))[0]]

    stages = [json.loads(stage) for stage in visit(address, look)]
    for stage in stages:
        for layer in ("layer1", "layer3", "layer4"):
            panel = stage["panels"][layer]
            assert (panel["src"], panel["note"]) == ("", f"The file holds no features of {layer}.")
    assert stages[-1]["panels"]["layer2"]["src"]


def spoil(recorded: RecordedFeatures, **changes: Any) -> bytes:
    return replace(recorded, **changes).pack()


def torch_file(content: object) -> bytes:
    torch.save(content, (buffer := BytesIO()))
    return buffer.getvalue()


WEIGHTS = {name: held.clone() for name, held in make_tiny_network().state_dict().items()}
ODD: dict[str, tuple[Callable[[RecordedFeatures], bytes], str]] = {
    "wrong shape": (
        lambda of: spoil(of, features={"layer3": torch.zeros(1, 1024, 7, 7)}),
        "mine.safetensors: the features of layer3 are 1024 x 7 x 7, but this network gives 1024 x 14 x 14",
    ),
    "wrong network": (
        lambda of: spoil(of, weights="IMAGENET1K_V2", fingerprints=dict.fromkeys(of.layers, "0")),
        "mine.safetensors was made by IMAGENET1K_V2, not by tiny: load those weights.",
    ),
    "not finite": (
        lambda of: spoil(of, features={"layer4": of.features["layer4"] * torch.inf}),
        "mine.safetensors: the features of layer4 are infinite or no number (NaN).",
    ),
    "another size": (
        lambda of: spoil(of, size=(64, 64)),
        "mine.safetensors is of a picture of 64 x 64 pixels; the page takes 224 x 224",
    ),
    "truncated": (lambda of: of.pack()[:-100], "mine.safetensors is damaged."),
    "a pickle": (lambda of: b"\x80\x04\x95\x00\x00", PICKLE),
    "features as torch saves them": (lambda of: torch_file(of.features), PICKLE),
    "weights": (lambda _: save(WEIGHTS), "holds more than 64 tensors, as weights do"),
    "few weights": (
        lambda _: save({"fc.bias": WEIGHTS["fc.bias"]}),
        "holds features of none of layer1, layer2, layer3, layer4: it has fc.bias.",
    ),
    "too large": (lambda _: b"\0" * 4 + b"\0\0\0\0{" + bytes(13 * 2**20), "is larger than 12 MB"),
}  # fmt: skip


@pytest.mark.parametrize("fault", ODD)
def test_an_odd_file_ends_in_one_sentence_and_what_stood_stays(
    served: tuple[str, AppState], recorded: RecordedFeatures, fault: str
) -> None:
    address, state = served
    make, sentence = ODD[fault]

    async def try_it(visitor: Visitor) -> tuple[str, bool]:
        await lay_down(visitor, draw_code(6), "photo.png")
        before = exploration_of(state, visitor)
        with pytest.raises(EventFailedError) as refusal:
            await lay_down(visitor, make(recorded))
        await visitor.call("decode")
        return str(refusal.value), exploration_of(state, visitor) is before and before.decoded is not None

    said, has_stayed = visit(address, try_it)
    assert sentence in said
    assert "\n" not in said
    assert is_known(said, list(read_catalogue()["de"]))
    assert has_stayed


def test_a_tiff_with_a_brace_in_its_ninth_place_is_no_file_of_features(address: str) -> None:
    async def try_it(visitor: Visitor) -> str:
        with pytest.raises(EventFailedError) as refusal:
            await lay_down(visitor, b"II*\0\x10\0\0\0{" + bytes(100))
        return str(refusal.value)

    assert "Couldn't read this file as an image." in visit(address, try_it)


def test_other_nodes_of_the_file_are_left_out_with_a_word(
    served: tuple[str, AppState], recorded: RecordedFeatures
) -> None:
    address, state = served
    more = spoil(recorded, features={**recorded.features, "layer1.0.relu": torch.zeros(1, 8, 56, 56)})

    async def look(visitor: Visitor) -> tuple[list[str], int]:
        await lay_down(visitor, more)
        return visitor.log, sum(exploration_of(state, visitor).held.values())

    (said,), nbytes = visit(address, look)
    assert said.startswith("mine.safetensors holds other nodes, too: the page shows layer1, layer2")
    assert nbytes == recorded.nbytes


def test_compare_takes_the_layers_and_explore_says_in_one_sentence_that_it_needs_a_picture(
    address: str, recorded: RecordedFeatures
) -> None:
    async def go_round(visitor: Visitor) -> tuple[Any, Any, str]:
        await lay_down(visitor, recorded.pack())
        await visitor.call("decode")
        (compared,) = await visitor.call("open")
        explored, _ = await visitor.call("open_experiments")
        with pytest.raises(EventFailedError) as refusal:
            await visitor.call("measure_experiment")
        return compared, json.loads(explored), str(refusal.value)

    compared, explored, refusal = visit(address, go_round)
    assert list(compared["pictures"]) == [f"{layer} decoded" for layer in LAYERS]
    assert (compared["a"], compared["b"]) == ("layer1 decoded", "layer4 decoded")
    assert explored == {"pictures": [], "status": NEEDS_PICTURE}
    assert refusal == NEEDS_PICTURE


def test_live_searches_by_the_features_and_asks_for_a_layer_that_they_have(
    address: str, recorded: RecordedFeatures
) -> None:
    async def search(visitor: Visitor) -> tuple[Any, str]:
        await lay_down(visitor, recorded.keep(["layer4"]).pack())
        stages = [one async for one, _ in visitor.stream("run", steps=10, layers=["layer3", "layer4"])]
        with pytest.raises(EventFailedError) as refusal:
            await visitor.call("run", steps=10, layers=["layer1"])
        return json.loads([one for one in stages if isinstance(one, str)][-1]), str(refusal.value)

    stage, refusal = visit(address, search)
    panel = stage["panels"]["layer4"]
    assert panel["state"] == "finished"
    assert panel["psnr_db"] is None
    assert 0 < panel["feature"] < 1
    assert stage["panels"]["layer3"]["note"] == "The file holds no features of layer3."
    assert NO_ORIGINAL in stage["status"]
    assert refusal == "mine.safetensors holds features of layer4: choose one of these layers."


def test_features_that_had_to_make_room_are_read_again_and_go_with_their_visitor(
    served: tuple[str, AppState], recorded: RecordedFeatures
) -> None:
    address, state = served

    async def come_back(visitor: Visitor) -> tuple[Path, list[str]]:
        file = await visitor.upload(recorded.keep(["layer1"]).pack(), NAME)
        await visitor.call("accept", picture=file)
        state.visits.get(visitor.session).forget()
        await visitor.call("decode_again")
        given = exploration_of(state, visitor).given
        assert isinstance(given, RecordedFeatures)
        assert given.layers == ["layer1"]
        assert Path(file["path"]).exists()
        state.visits.leave(visitor.session, "127.0.0.1")
        return Path(file["path"]), visitor.log

    path, said = visit(address, come_back)
    assert said == [EVICTED]
    assert not path.exists()


def test_an_export_of_features_repeats_its_pictures_from_themselves(
    coarse_lab: Lab, recorded: RecordedFeatures
) -> None:
    state = AppState(lambda: coarse_lab)
    state.open()
    exploration = Exploration(replace(recorded, name=NAME))
    list(decode_picture(state, exploration))
    with ZipFile(BytesIO(pack_exploration(coarse_lab, exploration))) as archive:
        files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert "original.png" not in files
    again = parse_features(files["features.safetensors"], NAME)
    assert all(torch.equal(again.features[layer], held) for layer, held in recorded.features.items())
    assert "reconstruct features.safetensors" in files["command.txt"].decode()
