"""Trunks: they equal the network they were cut from, stop where they should, and are safe to share."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.resnet import ResNet

from explorer.features.backbone import load_backbone
from explorer.features.graph import trace
from explorer.features.layers import LAYERS, UnknownNodeError, split_nodes
from explorer.features.trunk import build_trunk, cut_trunk


def picture(size: int = 64) -> Tensor:
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def unfolded_features(network: ResNet, images: Tensor, layer: str) -> Tensor:
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    x = network.maxpool(network.relu(network.bn1(network.conv1((images - mean) / std))))
    for name in LAYERS[: LAYERS.index(layer) + 1]:
        x = getattr(network, name)(x)
    return x


@pytest.mark.parametrize("layer", LAYERS)
def test_folded_trunk_equals_the_unfolded_network(tiny_network: ResNet, layer: str) -> None:
    expected = unfolded_features(tiny_network, picture(), layer)
    torch.testing.assert_close(
        build_trunk(tiny_network, layer)(picture())[layer], expected, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_folded_resnet50_equals_the_unfolded_network(layer: str) -> None:
    network = load_backbone("compact").network
    assert isinstance(network, ResNet)
    with torch.no_grad():
        expected = unfolded_features(network, picture(224), layer)
        torch.testing.assert_close(
            build_trunk(network, layer)(picture(224))[layer], expected, atol=1e-4, rtol=1e-4
        )


def test_trunk_holds_no_batchnorm_and_nothing_past_its_node(tiny_network: ResNet) -> None:
    trunk = build_trunk(tiny_network, "layer2")
    names = [name for name, _ in trunk.named_modules()]
    assert not any(isinstance(module, nn.BatchNorm2d) for module in trunk.modules())
    assert any("layer2" in name for name in names)
    assert not any("layer3" in name for name in names)


def test_trunk_is_frozen_and_leaves_the_network_as_it_was(tiny_network: ResNet) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_network.state_dict().items()}
    trunk = build_trunk(tiny_network, "layer1")
    trunk(picture())
    assert not any(parameter.requires_grad for parameter in trunk.parameters())
    assert not any(module._forward_hooks for module in tiny_network.modules())  # noqa: SLF001
    for name, tensor in tiny_network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], atol=0, rtol=0)


def test_node_inside_a_stage_is_the_convolution_before_its_batchnorm(tiny_network: ResNet) -> None:
    trunk = build_trunk(tiny_network, "layer1.0.conv1")
    expected = tiny_network.get_submodule("layer1.0.conv1")(
        tiny_network.maxpool(
            tiny_network.relu(tiny_network.bn1(tiny_network.conv1((picture() - trunk.mean) / trunk.std)))
        )
    )
    torch.testing.assert_close(trunk(picture())["layer1.0.conv1"], expected, atol=1e-4, rtol=1e-4)


def test_joint_trunk_gives_the_members_features_unspoilt_by_later_layers(tiny_network: ResNet) -> None:
    joint = build_trunk(tiny_network, "layer1.0.bn1+layer1+layer3")(picture())
    assert list(joint) == ["layer1.0.bn1", "layer1", "layer3"]
    for node, features in joint.items():
        torch.testing.assert_close(
            features, build_trunk(tiny_network, node)(picture())[node], atol=1e-5, rtol=1e-5
        )


def test_batchnorm_inputs_match_a_forward_hook(tiny_network: ResNet) -> None:
    seen: dict[str, Tensor] = {}
    for name, module in tiny_network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda _, inputs, __, name=name: seen.update({name: inputs[0]}))
    trunk = build_trunk(tiny_network, "layer2", batchnorm_inputs=True)
    unfolded_features(tiny_network, picture(), "layer2")
    output = trunk(picture())
    assert set(trunk.batchnorms) == set(seen)
    for name, expected in seen.items():
        torch.testing.assert_close(output[name], expected, atol=1e-4, rtol=1e-4)
        module = tiny_network.get_submodule(name)
        assert isinstance(module, nn.BatchNorm2d)
        torch.testing.assert_close(trunk.batchnorms[name].mean, module.running_mean)
        torch.testing.assert_close(trunk.batchnorms[name].variance, module.running_var)


def test_a_batchnorm_whose_statistics_are_not_in_the_weights_is_left_out(tiny_network: ResNet) -> None:
    folded = tiny_network.get_submodule("layer2.0.bn2")
    assert isinstance(folded, nn.BatchNorm2d)
    folded.reset_running_stats()
    trunk = build_trunk(tiny_network, "layer2", batchnorm_inputs=True)
    assert "layer2.0.bn2" not in trunk.batchnorms
    assert {"layer2.0.bn1", "layer2.0.bn3"} <= set(trunk.batchnorms)
    assert set(trunk(picture())) == {"layer2", *trunk.batchnorms}


def test_threads_share_a_trunk_without_mixing(tiny_network: ResNet) -> None:
    trunk = build_trunk(tiny_network, "layer3")
    pictures = [torch.rand(1, 3, 64, 64) for _ in range(8)]
    alone = [trunk(images)["layer3"] for images in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda images: trunk(images)["layer3"], pictures))
    for expected, found in zip(alone, together, strict=True):
        torch.testing.assert_close(found, expected)


def test_building_a_trunk_disturbs_no_forward_pass_in_another_thread(tiny_network: ResNet) -> None:
    trunk, images = build_trunk(tiny_network, "layer2"), picture()
    expected = [trunk(images)["layer2"], tiny_network(images)]
    is_built = Event()

    def pass_forward() -> int:
        count = 0
        while not is_built.is_set():
            for found, wanted in zip([trunk(images)["layer2"], tiny_network(images)], expected, strict=True):
                torch.testing.assert_close(found, wanted)
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        passing = [pool.submit(pass_forward) for _ in range(2)]
        try:
            for layer in [*LAYERS, "fc"]:
                build_trunk(tiny_network, layer, batchnorm_inputs=layer == "layer4")
        finally:
            is_built.set()
        assert min(done.result() for done in passing) > 0


def test_building_a_trunk_leaves_a_network_in_training_mode_there(tiny_network: ResNet) -> None:
    trunk = build_trunk(tiny_network.train(), "layer2")
    assert all(module.training for module in tiny_network.modules())
    expected = unfolded_features(tiny_network.eval(), picture(), "layer2")
    torch.testing.assert_close(trunk(picture())["layer2"], expected, atol=1e-4, rtol=1e-4)


def test_fingerprint_follows_the_weights_up_to_the_cut_and_no_further(tiny_network: ResNet) -> None:
    first = {layer: build_trunk(tiny_network, layer).fingerprint for layer in LAYERS}
    with torch.no_grad():
        tiny_network.get_parameter("layer3.0.conv1.weight")[0, 0] += 1
    second = {layer: build_trunk(tiny_network, layer).fingerprint for layer in LAYERS}
    assert [first[layer] == second[layer] for layer in LAYERS] == [True, True, False, False]
    assert len(set(first.values())) == len(LAYERS)


@pytest.mark.parametrize("nodes", ["layer9", "layer1.7", "", "layer1++layer2", "layer1+layer1"])
def test_unknown_and_malformed_nodes_are_errors(tiny_network: ResNet, nodes: str) -> None:
    with pytest.raises(UnknownNodeError):
        build_trunk(tiny_network, nodes)


def test_unknown_node_error_suggests_close_names(tiny_network: ResNet) -> None:
    with pytest.raises(UnknownNodeError, match="layer4"):
        build_trunk(tiny_network, "layer44")


def test_joint_names_split_at_the_plus() -> None:
    assert split_nodes("layer1 + layer3.0.conv2") == ("layer1", "layer3.0.conv2")


def test_trunks_cut_from_one_tracing_equal_those_of_their_own(tiny_network: ResNet) -> None:
    traced = trace(tiny_network)
    for nodes in [*LAYERS, "layer1+layer3", "layer4.0.add"]:
        cut, own = cut_trunk(traced, nodes), build_trunk(tiny_network, nodes)
        assert cut.fingerprint == own.fingerprint
        torch.testing.assert_close(cut(picture()), own(picture()), atol=0, rtol=0)


def test_threads_trace_and_cut_at_once(tiny_network: ResNet) -> None:
    expected = build_trunk(tiny_network, "layer3").fingerprint
    traced, call = trace(tiny_network), nn.Module.__call__

    def cut_and_trace(_: int) -> list[str]:
        return [
            cut_trunk(traced, "layer3").fingerprint,
            cut_trunk(trace(tiny_network), "layer3").fingerprint,
        ]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(cut_and_trace, range(8)))
    assert {fingerprint for pair in found for fingerprint in pair} == {expected}
    assert nn.Module.__call__ is call


@pytest.mark.parametrize("batchnorm_inputs", [False, True])
def test_a_cut_network_can_be_moved_without_the_whole(batchnorm_inputs: bool) -> None:
    network = load_backbone("untrained", architecture="resnet18").network
    trunk = build_trunk(network, "layer2", batchnorm_inputs=batchnorm_inputs)
    whole = {one.data_ptr() for one in network.state_dict().values()}
    assert not whole & {one.data_ptr() for one in trunk.graph.state_dict().values()}
