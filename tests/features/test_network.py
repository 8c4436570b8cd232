"""Any torchvision network by name: its nodes, its weights, and what is said where they cannot be had."""

import pytest
import torch
import torchvision

from explorer.errors import ExplorerError
from explorer.features.backbone import load_backbone
from explorer.features.graph import trace
from explorer.features.nodes import list_blocks, name_output, offer_nodes


@pytest.mark.parametrize(
    ("name", "nodes", "output"),
    [
        ("resnet18", ("layer1", "layer2", "layer3", "layer4"), "fc"),
        ("mobilenet_v2", None, "classifier"),
        ("squeezenet1_1", (), "flatten"),
    ],
)
def test_a_network_offers_its_last_map_at_each_resolution(name, nodes, output):
    traced = trace(load_backbone("untrained", architecture=name).network)
    offered = tuple(offer_nodes(traced))
    assert name_output(traced) == output
    if nodes is None:
        assert len(offered) == 4
        assert offered[-1] == "features"
    else:
        assert offered == nodes


def test_residual_blocks_are_listed_in_order():
    blocks = list_blocks(load_backbone("untrained", architecture="resnet18").network)
    assert blocks == tuple(f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1))


def test_own_weights_are_taken_from_a_file(tmp_path):
    network = torchvision.models.resnet18(weights=None)
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    loaded = load_backbone(str(tmp_path / "mine.pth"), architecture="resnet18")
    assert torch.equal(loaded.network.get_parameter("fc.weight"), network.fc.weight)
    assert loaded.digest is not None


def test_an_untrained_network_is_the_same_every_time():
    first, second = (load_backbone("untrained", architecture="resnet18").network for _ in range(2))
    assert torch.equal(first.get_parameter("conv1.weight"), second.get_parameter("conv1.weight"))


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "r18.pth")
    with pytest.raises(ExplorerError, match=r"r18\.pth holds the weights of another network than resnet34"):
        load_backbone(str(tmp_path / "r18.pth"), architecture="resnet34")


def test_a_file_that_would_run_code_is_refused(tmp_path):
    (tmp_path / "code.pth").write_bytes(b"cos\nsystem\n(S'true'\ntR.")  # A pickle that calls os.system.
    with pytest.raises(ExplorerError, match="damaged, or no file of weights"):
        load_backbone(str(tmp_path / "code.pth"), architecture="resnet18")


def test_an_unknown_network_is_answered_with_similar_names():
    with pytest.raises(ExplorerError, match=r"Unknown backbone 'vgg61'\. Did you mean vgg1"):
        load_backbone(architecture="vgg61")


def test_weights_that_cannot_be_had_offer_the_untrained_network(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ExplorerError, match=r"resnet18 are in no cache .* Use the untrained network"):
        load_backbone(architecture="resnet18")


def test_unknown_weights_are_answered_with_the_known_ones():
    with pytest.raises(ExplorerError, match="'V9' of resnet18: use IMAGENET1K_V1, untrained"):
        load_backbone("V9", architecture="resnet18")
