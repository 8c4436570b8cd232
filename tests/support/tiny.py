"""The tiny network, and the lab on it that tests use: made of noise, for pictures of 64 pixels or more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torchvision.models.resnet import Bottleneck, ResNet

from explorer.decoders.checkpoint import LINEAR
from explorer.decoders.node_maps import HELD_OUT
from explorer.features.backbone import Backbone
from explorer.lab.lab import Lab
from explorer.lab.models import Models

CLASSES = 10


def make_tiny_network(seed: int = 0) -> ResNet:
    """Build a ResNet with one narrow block per stage and random BatchNorm statistics, for 64-pixel images."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ResNet(Bottleneck, [1, 1, 1, 1], num_classes=CLASSES, width_per_group=8)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.data.uniform_(0.5, 1.5)
                module.bias.data.normal_(0.0, 0.2)
                module.running_mean = torch.randn(module.num_features) * 0.2
                module.running_var = torch.rand(module.num_features) + 0.5
    return network.eval()


def make_tiny_lab(checkpoints: Path, models: type[Models] = Models) -> Lab:
    """Make a lab on the tiny network, with the trained decoders of a folder."""
    categories = tuple(f"class {index}" for index in range(CLASSES))
    backbone = Backbone("tiny", make_tiny_network(), "seed 0", "abcd1234", categories)
    return Lab(models(backbone, checkpoints=checkpoints))


class FirstChannels(torch.nn.Module):
    """Stands in for the linear decoders, whose fit would outlast the tests."""

    def forward(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        (maps,) = features.values()
        stride = 4 * maps.shape[1] // 256  # The channels double where the sides halve.
        return torch.nn.functional.interpolate(maps[:, :3].sigmoid(), scale_factor=stride, mode="bilinear")


class CoarseModels(Models):
    """Models whose only decoder shows the first three channels."""

    def decoder(self, layer: str, variant: str, passes: int = 1) -> torch.nn.Module | None:
        return FirstChannels() if variant == LINEAR else None


@pytest.fixture
def tiny_network() -> ResNet:
    return make_tiny_network()


@pytest.fixture
def tiny_lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
    """A lab that stands in for every set of weights; no trained decoder fits it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no_weights"))
    return stand_in(make_tiny_lab(tmp_path), monkeypatch)


@pytest.fixture(scope="session")
def coarse_lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One lab for the whole session, whose only decoder shows the first three channels."""
    return make_tiny_lab(tmp_path_factory.mktemp("none"), CoarseModels)


def stand_in(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Let this lab be what the commands load."""
    monkeypatch.setattr("explorer.lab.lab.Lab.load", lambda *_, **__: lab)
    return lab


@pytest.fixture(scope="module")
def few_pictures_to_fit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let experiments fit linear decoders on a few small pictures, into a cache of the file's own."""

    def batches() -> Iterator[torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        for _ in range(HELD_OUT):
            yield torch.rand(4, 3, 64, 64, generator=generator)

    with pytest.MonkeyPatch.context() as patch:
        for room in ("linear_maps", "leak", "linear_edit"):
            patch.setattr(f"explorer.experiments.{room}.example_batches", batches)
        patch.setenv("EXPLORER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
