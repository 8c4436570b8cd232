"""Programs ask a page on a network that is no ResNet: endpoints take and name the layers of this network."""

import re
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from explorer.features.layers import LAYERS
from explorer.features.network import RESNET50_NETWORK, Network, survey
from explorer.ui.page import build_page
from explorer.ui.session.app_state import AppState
from tests.support.served import MOBILENET_LAYERS as NAMES
from tests.support.served import MOBILENET_SHAPES as SHAPES

pytestmark = [
    pytest.mark.usefixtures("fast_judge"),
    pytest.mark.xdist_group("mobilenet"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def client(served_mobilenet: tuple[str, AppState]) -> Client:
    return Client(served_mobilenet[0], verbose=False)


def default_layers(network: Network) -> list[object]:
    """List which layer each endpoint takes where none is given."""
    page = build_page(AppState(lambda: pytest.fail("The models are not needed."), network=network))
    endpoints = page.get_api_info()["named_endpoints"]
    given = [endpoints[name]["parameters"][1] for name in ("/reconstruct", "/optimise")]
    assert [one["parameter_name"] for one in given] == ["layer", "layer"]
    return [one.get("parameter_default") for one in given]


@pytest.mark.parametrize(("name", "default"), [("vit_b_16", "conv_proj"), ("swin_t", "permute")])
def test_endpoints_have_a_default_of_the_network_however_few_its_layers(name: str, default: str) -> None:
    assert default_layers(survey(name)) == [default, default]


def test_the_endpoints_of_a_page_on_resnet50_stay_as_they_are() -> None:
    assert default_layers(RESNET50_NETWORK) == ["layer2", "layer2"]
    assert RESNET50_NETWORK.layers == LAYERS


def test_the_api_lists_the_layers_and_why_trained_decoders_are_missing(client: Client) -> None:
    layers = client.predict(api_name="/layers")
    assert [entry["layer"] for entry in layers] == list(NAMES)
    assert [entry["shape"] for entry in layers] == SHAPES
    for entry in layers:
        assert entry["methods"] == ["optimiser", "hybrid", "linear"]
        assert "not available for these weights yet" in entry["unavailable"]["decoder"]


def test_the_api_reconstructs_from_a_layer_of_this_network(client: Client) -> None:
    made = client.predict("coffee", method="linear", api_name="/reconstruct")
    assert made["layer"] == NAMES[1]
    assert made["scores"]["psnr_db"] > 15
    made = client.predict("coffee", NAMES[3], "hybrid", 3, 0, api_name="/reconstruct")
    assert (made["layer"], made["steps"]) == (NAMES[3], 3)
    assert "starts from the linear decoder" in made["notice"]


def test_the_api_streams_the_optimiser_on_a_layer_of_this_network(client: Client) -> None:
    job = client.submit("coffee", NAMES[0], "optimiser", 5, 0, api_name="/optimise")
    assert job.result(timeout=300)["evaluations"] == 5


@pytest.mark.parametrize(
    ("endpoint", "arguments"),
    [
        ("/reconstruct", ("cat", "layer1", "optimiser", 5, 0)),
        ("/optimise", ("cat", "features.16", "optimiser", 5, 0)),
        ("/explore", ("surgery", ["cat"], ["layer2"])),
    ],
)
def test_the_api_answers_a_layer_that_is_none_with_those_that_are(
    client: Client, endpoint: str, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(AppError, match=rf"Unknown layer '.*': use {', '.join(map(re.escape, NAMES))}\."):
        client.predict(*arguments, api_name=endpoint)


def test_the_api_explores_every_layer_of_this_network(client: Client) -> None:
    told = client.predict("surgery", ["cat"], None, {"edit": "noise"}, api_name="/explore")
    assert [one["layer"] for one in told["pictures"]] == [None, *NAMES]
