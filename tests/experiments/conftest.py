"""A lab on a tiny network, with a decoder that shows its first three channels, and two small pictures."""

import pytest
import torch

from explorer.decoders.checkpoint import LINEAR
from explorer.features.backbone import Backbone
from explorer.images import Picture
from explorer.lab.lab import Lab
from explorer.lab.models import Models
from tests.conftest import make_tiny_network

SIDE = 64


class FirstChannels(torch.nn.Module):
    """Stands in for the linear decoders, whose fit would outlast the tests."""

    def forward(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        (maps,) = features.values()
        stride = 4 * maps.shape[1] // 256  # The channels double where the sides halve.
        return torch.nn.functional.interpolate(maps[:, :3].sigmoid(), scale_factor=stride, mode="bilinear")


class UndecodedModels(Models):
    """Models without trained decoders."""

    def decoder(self, layer: str, variant: str, passes: int = 0) -> torch.nn.Module | None:
        return FirstChannels() if variant == LINEAR else None


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    categories = tuple(f"class {index}" for index in range(10))
    backbone = Backbone("tiny", make_tiny_network(), "seed 0", None, categories)
    return Lab(UndecodedModels(backbone, checkpoints=tmp_path_factory.mktemp("none")))


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    generator = torch.Generator().manual_seed(0)
    coarse = [torch.rand(1, 3, 8, 8, generator=generator) for _ in range(2)]
    fine = [torch.nn.functional.interpolate(one, (SIDE, SIDE), mode="bilinear") for one in coarse]
    return [Picture(name, images) for name, images in zip(("one", "two"), fine, strict=True)]
