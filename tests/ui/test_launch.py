"""Which networks the page takes, and what it says of the others."""

import pytest

from explorer.features.layers import LAYERS
from explorer.features.network import RESNET50_NETWORK, survey
from explorer.features.state import WeightsError
from explorer.ui.launch import BackboneError, find_network


def test_resnet50_is_known_without_a_look() -> None:
    assert survey("resnet50") == RESNET50_NETWORK
    assert RESNET50_NETWORK.title == "ResNet-50"


def test_a_network_with_the_four_layers_of_a_resnet_shows_these() -> None:
    network = survey("resnet18")
    assert network.layers == LAYERS
    assert network.maps["layer1"] == (64, 56, 56)
    assert network.output == "fc"


@pytest.mark.parametrize("name", ["mobilenet_v2", "convnext_tiny", "vit_b_16"])
def test_any_other_network_shows_the_layers_that_it_offers(name: str) -> None:
    network = survey(name)
    assert network.layers
    assert network.title == name


def test_a_network_without_maps_is_answered_with_some_that_have_them() -> None:
    with pytest.raises(BackboneError, match=r"alexnet has none\. Use vgg16"):
        find_network("alexnet")


def test_an_unknown_network_is_answered_with_names_like_it() -> None:
    with pytest.raises(WeightsError, match=r"Did you mean.*vgg16"):
        survey("vgg61")
