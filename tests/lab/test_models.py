"""One process's models: trunks of other nodes share what they have in common."""

from itertools import permutations

import torch

from explorer.features.convolutions import FrozenConvolution
from explorer.features.layers import LAYERS, join_nodes
from explorer.features.trunk import Trunk, build_trunk
from explorer.lab.lab import Lab


def weights_of(trunk: Trunk) -> set[int]:
    return {one.data_ptr() for one in trunk.parameters()}


def test_another_choice_of_layers_takes_no_memory_for_weights(tiny_lab: Lab) -> None:
    models = tiny_lab.models
    whole = weights_of(models.trunk(tiny_lab.scorer.nodes))
    for chosen in permutations(LAYERS, 2):
        assert weights_of(models.trunk(join_nodes(chosen))) <= whole


def test_trunks_that_share_compute_what_they_would_alone(tiny_lab: Lab) -> None:
    images = torch.rand(1, 3, 64, 64)
    tiny_lab.models.trunk(tiny_lab.scorer.nodes)
    shared = tiny_lab.models.trunk("layer2")
    own = build_trunk(tiny_lab.backbone.network, "layer2")
    assert torch.equal(shared(images)["layer2"], own(images)["layer2"])


def test_a_convolution_that_differs_is_not_shared(tiny_lab: Lab) -> None:
    """With BatchNorm inputs a convolution stands unfolded."""
    plain = tiny_lab.models.trunk("layer1")
    exposed = tiny_lab.models.trunk("layer1", batchnorm_inputs=True)
    pairs = [
        (one.convolution.weight, other.convolution.weight)
        for one, other in zip(plain.graph.modules(), exposed.graph.modules(), strict=False)
        if isinstance(one, FrozenConvolution) and isinstance(other, FrozenConvolution)
    ]
    assert pairs
    assert not any(torch.equal(*pair) for pair in pairs)


def test_a_trunk_in_another_type_and_back_is_the_exact_one(tiny_lab: Lab) -> None:
    exact = tiny_lab.models.trunk("layer1")
    half = tiny_lab.models.trunk("layer1", dtype=torch.bfloat16)
    assert half.cast(torch.float32) is exact
