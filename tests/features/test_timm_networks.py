"""Networks of timm, by a stand-in of the same shape: what is built and normalised, and what is refused."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torchvision.models import resnet18

from explorer.features.backbone import load_backbone
from explorer.features.network import survey
from explorer.features.state import WeightsError
from explorer.images import Picture
from explorer.lab.lab import Lab

NAME = "timm/resnet18.a1_in1k"
COLOURS = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    def create_model(name: str, *, pretrained: bool) -> torch.nn.Module:
        if pretrained and name.endswith("no_weights"):
            raise OSError("no network")
        network = resnet18()
        network.__dict__["pretrained_cfg"] = COLOURS
        return network

    module = ModuleType("timm")
    module.__dict__.update(
        create_model=create_model,
        list_models=lambda: ["resnet18"],
        is_model=lambda name: name.startswith("resnet18"),
    )
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


@pytest.mark.usefixtures("timm")
def test_a_network_of_timm_is_inverted_like_any_other() -> None:
    lab = Lab.load(backbone=NAME)
    assert (lab.backbone.name, len(lab.backbone.categories)) == (f"{NAME} pretrained", 1000)
    assert lab.layers == ("layer1", "layer2", "layer3", "layer4") == survey(NAME).layers
    images = torch.rand(1, 3, 64, 64)
    logits = lab.trunk("fc")(images)["fc"]
    mean, std = (torch.tensor(COLOURS[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close(logits, lab.backbone.network((images - mean) / std), atol=1e-4, rtol=1e-3)
    at = lab.at("layer2")
    made = at.reconstruct(Picture("noise", images), "optimiser", at.settings("optimiser", evaluations=3))
    assert made.images.shape == images.shape


@pytest.mark.usefixtures("timm")
def test_other_colours_are_another_fingerprint() -> None:
    usual = Lab.load("untrained", backbone="resnet18").trunk("layer1")
    assert usual.fingerprint != Lab.load("untrained", backbone=NAME).trunk("layer1").fingerprint


@pytest.mark.usefixtures("timm")
def test_a_file_of_one_s_own_fills_a_network_of_timm(tmp_path: Path) -> None:
    state = {f"module.{name}": held for name, held in resnet18(num_classes=10).state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "mine.pth")
    backbone = load_backbone(str(tmp_path / "mine.pth"), architecture=NAME)
    assert len(backbone.categories) == 10
    assert "behind 'state_dict.module.'" in str(backbone.notice)


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("timm/resnet50x", None, "Did you mean timm/resnet18"),
        ("timm/resnet18.no_weights", None, "cannot be had"),
        (NAME, "IMAGENET1K_V1", "use pretrained, untrained or a file"),
    ],
)
def test_what_timm_lacks_is_said_in_one_line(name: str, weights: str | None, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        load_backbone(weights, architecture=name)


def test_without_timm_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(WeightsError, match="pip install timm"):
        load_backbone(architecture=NAME)
