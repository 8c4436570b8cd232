"""Which networks the page takes, and what it says of the others."""

import pytest

from explorer.features.layers import LAYERS
from explorer.features.weights import WeightsError
from explorer.features.zoo import name_layers
from explorer.ui.session.network import DEFAULT_NETWORK, BackboneError, ServedNetwork, survey


def test_resnet50_is_known_without_a_look() -> None:
    assert survey("resnet50") == DEFAULT_NETWORK
    assert DEFAULT_NETWORK.title == "ResNet-50"
    assert DEFAULT_NETWORK.notice is None


def test_a_network_with_the_four_layers_of_a_resnet_shows_these() -> None:
    assert survey("resnet18") == ServedNetwork("resnet18", LAYERS, fewest_channels=64)


@pytest.mark.parametrize("name", ["mobilenet_v2", "convnext_tiny", "vit_b_16"])
def test_any_other_network_shows_the_layers_that_it_offers(name: str) -> None:
    network = survey(name)
    assert network.layers == name_layers(name)
    assert network.title == name
    assert name in (network.notice or "")


def test_a_network_without_maps_is_answered_with_some_that_have_them() -> None:
    with pytest.raises(BackboneError, match=r"alexnet has none\. Use vgg16"):
        survey("alexnet")


def test_an_unknown_network_is_answered_with_names_like_it() -> None:
    with pytest.raises(WeightsError, match=r"Did you mean.*vgg16"):
        survey("vgg61")
