"""Backbones: where weights come from, the visible fallback, and errors that name the file."""

import socket
import time
from pathlib import Path

import pytest
import torch
from torchvision.models import ResNet50_Weights, resnet50

from explorer.features.backbone import WeightsError, load_backbone
from explorer.machine import hub_file


@pytest.fixture
def empty_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.pretrained
def test_pretrained_weights_load_through_torchvision_and_know_a_cat() -> None:
    from explorer.examples import load_example
    from explorer.features.trunk import build_trunk

    backbone = load_backbone()
    assert (backbone.name, backbone.is_fallback, backbone.notice) == ("IMAGENET1K_V1", False, None)
    logits = build_trunk(backbone.network, "fc")(load_example("cat").images)["fc"]
    assert "cat" in backbone.categories[int(logits.argmax())].lower()


def test_without_weights_and_network_a_visible_fallback_comes_within_seconds(
    empty_hub: Path, no_network: None
) -> None:
    started = time.monotonic()
    backbone = load_backbone("IMAGENET1K_V1")
    assert time.monotonic() - started < 20
    assert backbone.is_fallback
    assert backbone.name == "untrained"
    assert backbone.notice is not None
    assert str(hub_file(ResNet50_Weights.IMAGENET1K_V1.url)) in backbone.notice


def test_untrained_network_is_the_same_every_time_and_leaves_the_global_seed() -> None:
    torch.manual_seed(7)
    first = load_backbone("untrained").network.state_dict()
    after = torch.rand(1)
    torch.manual_seed(8)
    second = load_backbone("untrained").network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(1))


def test_chosen_untrained_network_is_no_fallback() -> None:
    backbone = load_backbone("untrained")
    assert not backbone.is_fallback
    assert backbone.notice is None


def test_a_file_of_weights_loads_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    network = resnet50()
    torch.save(network.state_dict(), path)
    backbone = load_backbone(str(path))
    assert backbone.name == "mine.pth"
    assert backbone.digest is not None
    assert torch.equal(backbone.network.state_dict()["conv1.weight"], network.state_dict()["conv1.weight"])


@pytest.mark.parametrize("length", [0, 100, 10_000])
def test_truncated_file_is_an_error_that_names_it(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.pth"
    torch.save({"weight": torch.zeros(10_000)}, path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsError, match=r"cut\.pth is damaged.* Name a state dict"):
        load_backbone(str(path))


@pytest.mark.parametrize(
    "content", [b"hello world\n" * 9, b"\x1f\x8b\x08 zipped", b"\xff\xd8\xff\xe0 a photo"]
)
def test_file_of_another_kind_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"foreign\.pth is damaged"):
        load_backbone(str(path))


def test_truncated_file_in_the_hub_cache_is_an_error_that_says_to_delete_it(empty_hub: Path) -> None:
    path = hub_file(ResNet50_Weights.IMAGENET1K_V1.url)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK\x03\x04 not a whole archive")
    with pytest.raises(WeightsError, match=f"{path.name} is damaged.* Delete the file"):
        load_backbone("IMAGENET1K_V1")


@pytest.mark.parametrize("state", [{"weight": torch.zeros(1)}, {"state_dict": {}}, {}])
def test_file_of_another_network_is_an_error_that_says_what_is_missing(tmp_path: Path, state: dict) -> None:
    path = tmp_path / "other.pth"
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"other\.pth holds the weights of another network.*conv1\.weight"):
        load_backbone(str(path))


def test_file_that_holds_no_state_dict_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "list.pth"
    torch.save([1, 2, 3], path)
    with pytest.raises(WeightsError, match=r"list\.pth holds a list"):
        load_backbone(str(path))


def test_unknown_name_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(WeightsError, match="IMAGENET1K_V2"):
        load_backbone("IMAGENET9K")
