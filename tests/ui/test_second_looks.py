"""What other decoders tell of the pictures shown: after they are measured, and of these pictures alone."""

import json
from base64 import b64decode
from io import BytesIO

import numpy as np
import PIL.Image
import pytest
import torch

from explorer.examples import load_example
from explorer.lab.lab import Lab
from explorer.ui.session.app_state import AppState
from explorer.ui.session.visit import Exploration
from explorer.ui.stage.second_looks import draw_veil
from explorer.ui.tabs.instant import decode_picture, look_again, measure_decoded


@pytest.fixture(scope="module")
def state(refined_lab: Lab) -> AppState:
    state = AppState(lambda: refined_lab)
    state.open()
    return state


def decode(state: AppState, method: str) -> Exploration:
    exploration = Exploration(load_example("cat"), "cat")
    list(decode_picture(state, exploration, method))
    return exploration


def test_a_measured_picture_gets_its_dial_and_its_doubts_once(state: AppState) -> None:
    exploration = decode(state, "best")
    assert look_again(state, exploration) is None
    measure_decoded(state, exploration)
    told = json.loads(look_again(state, exploration) or "")
    assert list(told["dial"]) == ["layer1"]
    assert told["dial"]["layer1"]["place"] == 0.25
    assert list(told["doubts"]) == ["layer1"]
    assert set(told["panels"]) == set(state.lab.layers)
    assert look_again(state, exploration) is None


def test_another_choice_is_not_told_what_the_one_before_was(state: AppState) -> None:
    exploration = decode(state, "best")
    measure_decoded(state, exploration)
    exploration.decoding = "another choice"
    assert look_again(state, exploration) is None


def test_a_veil_is_opaque_where_two_decoders_disagree_most() -> None:
    blocks = torch.zeros(28, 28)
    blocks[:14] = 0.1
    veil = np.asarray(PIL.Image.open(BytesIO(draw_veil(blocks))))
    assert veil[:14, :, 1].min() == 255
    assert veil[14:, :, 1].max() == 0


def test_a_veil_of_equal_pictures_hides_nothing() -> None:
    assert np.asarray(PIL.Image.open(BytesIO(draw_veil(torch.zeros(28, 28)))))[..., 1].max() == 0


def test_a_dials_pictures_are_jpegs_of_the_network_s_size(state: AppState) -> None:
    exploration = decode(state, "decoder")
    measure_decoded(state, exploration)
    mixture = json.loads(look_again(state, exploration) or "")["dial"]["layer1"]
    assert mixture["place"] == 0
    for end in ("faithful", "likely"):
        picture = PIL.Image.open(BytesIO(b64decode(mixture[end].partition(",")[2])))
        assert picture.size == (224, 224)
