"""The tail of a network continues exactly where its trunk stops."""

import pytest
import torch

from explorer.features.graph import trace
from explorer.features.layers import UnknownNodeError
from explorer.features.tail import cut_tail
from explorer.features.trunk import build_trunk
from tests.support.tiny import make_tiny_network


@pytest.mark.parametrize("node", ["layer1", "layer3", "layer4", "avgpool"])
def test_trunk_and_tail_together_are_the_network(node):
    network, images = make_tiny_network(), torch.rand(2, 3, 64, 64)
    features = build_trunk(network, node)(images)[node]
    logits = cut_tail(trace(network), node)(features)
    torch.testing.assert_close(logits, build_trunk(network, "fc")(images)["fc"], atol=1e-4, rtol=1e-4)


def test_the_tail_of_the_output_gives_its_features_back():
    features = torch.rand(1, 10)
    assert torch.equal(cut_tail(trace(make_tiny_network()), "fc")(features), features)


def test_a_tail_leaves_the_network_as_it_was():
    network = make_tiny_network()
    images = torch.rand(1, 3, 64, 64)
    before = network(images)
    cut_tail(trace(network), "layer2")
    assert torch.equal(network(images), before)


def test_a_node_inside_a_residual_branch_has_no_tail():
    with pytest.raises(UnknownNodeError, match=r"does not depend on 'layer2\.0\.conv1' alone"):
        cut_tail(trace(make_tiny_network()), "layer2.0.conv1")


def test_an_unknown_node_is_named():
    with pytest.raises(UnknownNodeError, match="Unknown layer 'layer9'"):
        cut_tail(trace(make_tiny_network()), "layer9")
