"""A page on a tiny network, served by this process, for the tests of the page and of its API."""

from collections.abc import Iterator

import pytest
import torch

from explorer.decoders.checkpoint import LINEAR
from explorer.decoders.refinement import DEFAULT_PASSES
from explorer.lab.lab import Lab
from explorer.lab.models import Models
from explorer.ui.launch import launch_options
from explorer.ui.page import build_page
from explorer.ui.session.app_state import AppState
from tests.lab.made import save_refined
from tests.tiny import FirstChannels


class RefinedModels(Models):
    """Models of which layer1 alone has a trained decoder and a refinement; the linear ones are coarse."""

    def decoder(self, layer: str, variant: str, passes: int = DEFAULT_PASSES) -> torch.nn.Module | None:
        return FirstChannels() if variant == LINEAR else super().decoder(layer, variant, passes)


@pytest.fixture(scope="session")
def refined_lab(coarse_lab: Lab, tmp_path_factory) -> Lab:
    """A lab on the tiny network that refines what it decodes from layer1."""
    folder = save_refined(coarse_lab, tmp_path_factory.mktemp("refined"))
    return Lab(RefinedModels(coarse_lab.backbone, checkpoints=folder))


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
