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
def coarse_lab(tmp_path_factory) -> Lab:
    """A lab on the tiny network whose decoders are coarse."""
    categories = tuple(f"class {index}" for index in range(10))
    backbone = Backbone("tiny", make_tiny_network(), "seed 0", None, categories)
    return Lab(CoarseModels(backbone, checkpoints=tmp_path_factory.mktemp("none")))


@pytest.fixture(scope="session")
def served(coarse_lab: Lab) -> Iterator[tuple[str, AppState]]:
    """The address of a page on the tiny network, and its state."""
    state = AppState(lambda: coarse_lab)
    page = build_page(state).queue(api_open=False)
    state.open()
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield url, state
    page.close()
    state.close()


@pytest.fixture(scope="session")
def address(served: tuple[str, AppState]) -> str:
    """The address of the served page."""
    return served[0]
