"""The Instant tab: refined pictures come pass by pass, and one sentence explains them."""

import json

import pytest
import torch

from explorer.examples import load_example
from explorer.features.layers import LAYERS
from explorer.lab.lab import Lab
from explorer.ui.session.app_state import AppState
from explorer.ui.session.visit import Exploration
from explorer.ui.stage import StageValue
from explorer.ui.tabs.instant import decode_picture


@pytest.fixture(scope="module")
def state(refined_lab: Lab) -> AppState:
    state = AppState(lambda: refined_lab)
    state.open()
    return state


def decode(state: AppState, method: str) -> tuple[Exploration, list[StageValue]]:
    exploration = Exploration(load_example("cat"), "cat")
    return exploration, list(decode_picture(state, exploration, method))


def test_a_refined_picture_comes_pass_by_pass_each_with_its_note(state: AppState) -> None:
    exploration, values = decode(state, "refined")
    complete = [value for value in values if len(value.panels) == len(LAYERS)]
    shown = [value.panels["layer1"] for value in complete]
    assert [panel.note for panel in shown[:3]] == [
        "decoded",
        "looked at again and corrected: pass 1",
        "looked at again and corrected: pass 2",
    ]
    assert len({panel.src for panel in shown}) == 3
    at = state.lab.at("layer1")
    last = at.decode(at.encode(exploration.given), "refined")
    torch.testing.assert_close(exploration.decoded_results["layer1"].images, last)


def test_one_sentence_explains_the_passes_and_other_layers_stay_as_they_were(state: AppState) -> None:
    _, values = decode(state, "refined")
    (sentence,) = [said for said in values[-1].captions if "looked at again" in said.text]
    assert sentence.about == ("layer1",)
    for layer in LAYERS[1:]:
        assert "linear decoder" in values[-1].panels[layer].note
        assert len({value.panels[layer].src for value in values if layer in value.panels}) == 1


def test_a_decoder_that_looks_once_is_not_said_to_look_again(state: AppState) -> None:
    _, values = decode(state, "decoder")
    assert not any("looked at again" in json.dumps(value.text()) for value in values)
