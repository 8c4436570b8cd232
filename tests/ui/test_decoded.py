"""Pictures and their figures are one value: the last choice of decoder wins, and nothing mixes."""

import csv
import json
from io import BytesIO, StringIO
from threading import Event, Thread
from zipfile import ZipFile

import gradio as gr
import pytest

from explorer.examples import load_example
from explorer.features.layers import LAYERS
from explorer.lab.lab import Lab
from explorer.metrics.functional import psnr
from explorer.ui.arrival import ArrivalHandlers
from explorer.ui.export import pack_exploration
from explorer.ui.session import made as made_module
from explorer.ui.session.app_state import AppState
from explorer.ui.session.visit import Exploration
from explorer.ui.tabs.instant import decode_picture, measure_decoded
from tests.support.tiny import FirstChannels

REQUEST = gr.Request(session_hash="a visitor")


@pytest.fixture
def state(coarse_lab: Lab) -> AppState:
    state = AppState(lambda: coarse_lab)
    state.open()
    state.visits.get(REQUEST.session_hash).put(Exploration(load_example("cat", size=64)))
    return state


def exploration_of(state: AppState) -> Exploration:
    exploration = state.visits.get(REQUEST.session_hash).exploration
    assert exploration is not None
    return exploration


def darken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the decoders make other pictures from now on."""
    forward = FirstChannels.forward
    monkeypatch.setattr(FirstChannels, "forward", lambda self, features: forward(self, features) * 0.5)


def test_an_export_between_a_choice_and_its_measuring_has_the_new_pictures_own_figures(
    state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    exploration = exploration_of(state)
    list(decode_picture(state, exploration, "linear"))
    assert measure_decoded(state, exploration) is not None
    darken(monkeypatch)
    list(decode_picture(state, exploration, "decoder"))
    with ZipFile(BytesIO(pack_exploration(state.lab, exploration))) as archive:
        files = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    original = load_example("cat", size=64).images
    rows = {row["layer"]: row for row in csv.DictReader(StringIO(files["metrics.csv"].decode()))}
    assert set(rows) == set(LAYERS)
    for layer, made in exploration.decoded_results.items():
        wanted = float(psnr(made.images, original).mean())
        assert float(rows[layer]["psnr_db"]) == pytest.approx(wanted, abs=0.1)


def test_an_export_while_another_choice_is_decoded_has_the_choice_before_whole(state: AppState) -> None:
    exploration = exploration_of(state)
    list(decode_picture(state, exploration, "linear"))
    before = exploration.decoded
    decoding = decode_picture(state, exploration, "decoder")
    next(decoding)
    assert exploration.decoded is before


def test_figures_of_an_earlier_choice_never_come_back_and_those_of_the_last_do(
    state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers, is_measuring, may_go_on = ArrivalHandlers(state), Event(), Event()
    score, answers = made_module.score_results, []

    def score_slowly(*arguments):
        is_measuring.set()
        assert may_go_on.wait(60)
        return score(*arguments)

    monkeypatch.setattr(made_module, "score_results", score_slowly)
    list(handlers.decode_again("linear", REQUEST))
    first = Thread(target=lambda: answers.append(handlers.measure(REQUEST)))
    first.start()
    assert is_measuring.wait(60)
    *_, shown = handlers.decode_again("decoder", REQUEST)
    may_go_on.set()
    first.join(60)
    assert answers == [gr.skip()]
    last = handlers.measure(REQUEST)
    assert isinstance(last, str)
    assert read_run(last) == read_run(shown)


def read_run(stage: str) -> str:
    return json.loads(stage)["run"]
