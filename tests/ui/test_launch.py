"""Which networks the page takes, and what it says of the others."""

import pytest

from explorer.ui.launch import BackboneError, check_layers


def test_a_network_with_the_four_layers_of_a_resnet_is_taken() -> None:
    check_layers("resnet18")


def test_another_network_is_answered_with_its_layers_and_where_it_can_be_used() -> None:
    with pytest.raises(
        BackboneError, match=r"mobilenet_v2 offers .*features\..*reconstruct --backbone mobilenet_v2"
    ):
        check_layers("mobilenet_v2")
