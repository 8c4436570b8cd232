"""A page on a tiny network, served by this process, for the tests of the page and of its API."""

from collections.abc import Iterator

import pytest
import torch

from explorer.decoders.checkpoint import LINEAR
from explorer.features.backbone import Backbone
from explorer.lab.lab import Lab
from explorer.lab.models import Models
from explorer.ui.launch import launch_options
from explorer.ui.page import build_page
from explorer.ui.session.app_state import AppState
from tests.conftest import make_tiny_network


class CoarseDecoder(torch.nn.Module):
    """Stands in for the linear decoders, whose fit would outlast the tests."""

    def forward(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        (maps,) = features.values()
        coarse = maps[:, :3].sigmoid()
        return torch.nn.functional.interpolate(coarse, (224, 224), mode="bilinear")


class CoarseModels(Models):
    """Models without trained decoders."""

    def decoder(self, layer: str, variant: str, passes: int = 1) -> torch.nn.Module | None:
        return CoarseDecoder() if variant == LINEAR else None


@pytest.fixture(scope="session")
def address(tmp_path_factory) -> Iterator[str]:
    """The address of a page whose models are a tiny network and coarse decoders."""
    categories = tuple(f"class {index}" for index in range(10))
    backbone = Backbone("tiny", make_tiny_network(), "seed 0", None, categories)
    folder = tmp_path_factory.mktemp("none")

    def load() -> Lab:
        return Lab(CoarseModels(backbone, checkpoints=folder))

    state = AppState(load)
    page = build_page(state).queue(max_size=20, api_open=False)
    state.open()
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield url
    page.close()
