"""The Explore tab and its endpoint offer whatever the registry of experiments holds."""

from dataclasses import replace

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import knobs
from explorer.features.network import RESNET50_NETWORK
from explorer.lab.lab import Lab
from explorer.lab.models import Models
from explorer.ui.address import Address
from explorer.ui.components.weights_input import WeightsInput
from explorer.ui.page import build_page
from explorer.ui.session.app_state import AppState
from explorer.ui.session.exploring import Question
from explorer.ui.tabs.explore import build_explore, describe

pytestmark = pytest.mark.usefixtures("fast_judge")


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


def test_every_option_of_every_experiment_has_a_control():
    with gr.Blocks():
        tab = build_explore(RESNET50_NETWORK)
    assert {name: list(controls) for name, controls in tab.controls.items()} == {
        name: list(knobs(experiment.options)) for name, experiment in EXPERIMENTS.items()
    }


def test_weights_of_one_s_own_have_a_place_only_where_they_are_taken() -> None:
    page = build_page(AppState(lambda: pytest.fail("The models are not needed."), takes_weights=False))
    assert not any(isinstance(block, WeightsInput) for block in page.blocks.values())
    assert Address("127.0.0.1", None).is_private
    assert not Address("0.0.0.0", None).is_private


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_explanation_stands_beside_the_pictures(name):
    assert "<script" not in describe(name)
    assert len(describe(name)) > 100


def test_the_endpoint_answers_with_pictures_and_rows(client):
    options = {"edit": "noise", "amount": 0.5}
    answer = client.predict("surgery", ["cat"], ["layer1"], options, api_name="/explore")
    assert answer["is_complete"]
    assert [one["layer"] for one in answer["pictures"]] == [None, "layer1"]
    assert answer["pictures"][1]["image"].startswith("data:image/png;base64,")
    assert answer["results"][0]["edit_error"] == pytest.approx(0.25, rel=1e-3)


def test_the_endpoint_says_what_is_missing(client):
    with pytest.raises(AppError, match="Blend takes 2 pictures, not 1"):
        client.predict("blend", ["cat"], None, None, api_name="/explore")


@pytest.mark.usefixtures("few_pictures_to_fit")
@pytest.mark.parametrize("networks", ["/etc/passwd", "resnet18:/etc/passwd", "resnet50:/dev/zero"])
def test_the_networks_that_a_program_names_open_no_file(client, networks):
    answer = client.predict("backbones", ["cat"], ["layer1"], {"networks": networks}, api_name="/explore")
    path = networks.rpartition(":")[2]
    assert any(f"Unknown weights '{path}' of resnet" in sentence for sentence in answer["sentences"])


def test_own_weights_cannot_be_named_by_a_program(client):
    with pytest.raises(AppError, match="own_weights is a file of the server"):
        client.predict("backbones", ["cat"], None, {"own_weights": "/etc/passwd"}, api_name="/explore")


def test_code_and_export_do_not_say_where_a_file_of_weights_lies(coarse_lab):
    backbone = replace(coarse_lab.backbone, source="/home/ann/secret/own.pth")
    lab = Lab(Models(backbone))
    question = Question("blend", [], ["cat", "coffee"], ["layer1"], {})
    run = question.describe(lab)
    for text in (question.code(lab), run.command_line, str(run.weights)):
        assert "own.pth" in text
        assert "secret" not in text
