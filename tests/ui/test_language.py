"""Every sentence of the page stands in the catalogue, in every language, with its places for what varies."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from explorer.experiments.matrix import describe_recognition
from explorer.features.layers import LAYERS
from explorer.features.network import RESNET50_NETWORK, Network
from explorer.lab.models import FITTING
from explorer.lab.scorer import NO_ORIGINAL
from explorer.metrics.recognition import Opinions, Prediction
from explorer.metrics.scores import METRICS, Scores
from explorer.ui import page as page_module
from explorer.ui.components.given import OTHER_NODES, OTHER_SIZE
from explorer.ui.exploring.asking import NEEDS_PICTURE
from explorer.ui.exploring.handlers import NO_LAYER, STOPPED, STOPPING, TIME_IS_UP
from explorer.ui.export import TOO_MANY_FEATURES
from explorer.ui.language import LANGUAGES, read_catalogue
from explorer.ui.links import NOT_UNDERSTOOD, OWN_PICTURE
from explorer.ui.page import build_page, write_header
from explorer.ui.queue.place import Place, describe_place
from explorer.ui.session.app_state import AppState
from explorer.ui.session.live_run import NONE_CHOSEN
from explorer.ui.stage.captions import (
    FAINT_LOOK,
    LOOKS,
    NO_LOOK,
    ONE_COLOUR_LOOK,
    WORST_LOOK,
    describe_fooling,
    describe_gap,
    describe_going_on,
    describe_layers,
    describe_passes,
    describe_seen,
)
from explorer.ui.stage.value import FEATURES_ONLY, NOT_HELD
from explorer.ui.tabs.instant import FIRST_LOOK, describe_pass
from tests.support.catalogue import is_known
from tests.support.refusals import ASIDE, DOCUMENTED

UI = Path(page_module.__file__).parent


class _Texts(HTMLParser):
    """Collects what a visitor reads or hears of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in ("aria-label", "title", "alt") and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read_html(html: str) -> list[str]:
    parser = _Texts()
    parser.feed(html)
    return [text.strip() for text in parser.texts if text.strip()]


def page_texts(network: Network) -> Iterator[str]:
    """Yield the texts of the page's components as Gradio lays them out."""
    page = build_page(AppState(lambda: pytest.fail("The models are not needed."), network=network))
    for component in page.config["components"]:
        given = component["props"]
        if component["type"] == "api":  # Endpoints for programs have components that nobody sees.
            continue
        names = ["label", "info", "placeholder"] + (["value"] if component["type"] == "button" else [])
        if given.get("visible") is False and component["type"] not in ("button", "downloadbutton"):
            continue
        yield from (given[name] for name in names if isinstance(given.get(name), str) and given.get(name))
        yield from (str(choice[0]) for choice in given.get("choices") or [])
    yield from read_html(write_header(network))
    for file in UI.rglob("*.html"):
        if "site" not in file.parts:
            yield from read_html(re.sub(r"@\w+", "layer1", file.read_text(encoding="utf-8")))


def said() -> Iterator[str]:
    """Yield the sentences that the server says, for numbers of every kind."""
    for highest in (30.0, 25.0, 20.0, 16.0, 9.0):
        for after in ("", "After 12 s, "):
            falling = {layer: highest - 2 * index for index, layer in enumerate(LAYERS)}
            yield from (sentence.text for sentence in describe_layers(falling, 8.0, after=after))
            yield from (sentence.text for sentence in describe_layers({"layer1": highest}, 8.0, after=after))
    yield describe_going_on("layer4", Prediction("tabby", 0.64)).text
    for other in ("tabby", "lynx"):
        yield describe_seen(Opinions(Prediction("tabby", 0.64), Prediction(other, 0.2)))
    yield from (FEATURES_ONLY, NOT_HELD.format("layer3"), NO_ORIGINAL, NEEDS_PICTURE)
    yield NONE_CHOSEN.format("mine.safetensors", "layer1")
    yield OTHER_SIZE.format("mine.safetensors", 64, 64, 224, 224)
    yield OTHER_NODES.format("mine.safetensors", "layer1, layer2")
    yield TOO_MANY_FEATURES.format(20)
    yield FITTING.format("layer3", 0.4)
    yield describe_passes("layer1", [29.4, 31.1, 31.5]).text
    close = Scores({"feature_error": 0.05, "psnr_db": 15.0})
    yield from (sentence.text for sentence in describe_gap({"layer4": close}))
    for known in ("10", "11", "00"):
        rows = [
            {"from": layer, "at": layer, "independent_recognises": int(one), "network_recognises": 1}
            for layer, one in zip(("layer3", "layer4"), known, strict=True)
        ]
        yield from describe_recognition(rows, ("layer3", "layer4"))
    fooled = Scores({"top1_agreement": 1.0, "recognised_top5": 0.0})
    yield from (sentence.text for sentence in describe_fooling({"layer3": fooled, "layer4": fooled}))
    for seconds in (20, 300):
        yield from (describe_place(Place(0, count, seconds, has_begun=True)) for count in (2, 9))
        yield from (describe_place(Place(ahead, 9, seconds, has_begun=False)) for ahead in (0, 1, 2))
    yield from (FIRST_LOOK, describe_pass(2))
    yield from (STOPPING, STOPPED, TIME_IS_UP.format(300), OWN_PICTURE, NOT_UNDERSTOOD.format("tab=9"))
    yield from (look for _, look in LOOKS)
    yield from (NO_LOOK, FAINT_LOOK, WORST_LOOK, ONE_COLOUR_LOOK, NO_LAYER)
    yield from (metric.heading for metric in METRICS.values())
    yield from (*DOCUMENTED, *ASIDE)


VGG16 = Network("vgg16", {"layer1": (64, 56, 56), "layer2": (64, 28, 28)}, "classifier")


@pytest.mark.parametrize("network", [RESNET50_NETWORK, VGG16])
def test_no_sentence_of_the_page_is_missing_in_the_catalogue(network: Network) -> None:
    keys = list(read_catalogue()["de"])
    assert sorted({text for text in page_texts(network) if not is_known(text.strip(), keys)}) == []


def test_no_sentence_of_the_server_is_missing_in_the_catalogue() -> None:
    keys = list(read_catalogue()["de"])
    assert sorted({text for text in said() if not is_known(text, keys)}) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_a_place_for_everything_that_varies(language: str) -> None:
    for text, translation in read_catalogue()[language].items():
        places = re.findall(r"\{\d*\}", translation)
        assert len(places) == text.count("{}"), text
        assert translation.strip(), text


def test_an_unknown_sentence_is_noticed() -> None:
    assert not is_known("A sentence that nobody has translated.", list(read_catalogue()["fr"]))
