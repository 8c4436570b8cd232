"""A page on a tiny network, served by this process, for the tests of the page and of its API."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch

from explorer.decoders.checkpoint import LINEAR
from explorer.decoders.refinement import DEFAULT_PASSES
from explorer.features.network import survey
from explorer.features.weights import UNTRAINED
from explorer.lab.lab import Lab
from explorer.lab.models import Models
from explorer.ui.launch import launch_options
from explorer.ui.page import build_page
from explorer.ui.session.app_state import AppState
from tests.support.decoders import save_likely, save_refined
from tests.support.fitting import few_batches
from tests.support.tiny import FirstChannels

MOBILENET_LAYERS = ("features.2.block.0", "features.4.block.0", "features.9.block.0", "features")
MOBILENET_SHAPES = ["72 × 56 × 56", "96 × 28 × 28", "288 × 14 × 14", "576 × 7 × 7"]
FITTING_SECONDS = 400.0  # Of four linear decoders, on a busy machine.


class RefinedModels(Models):
    """Models of which layer1 alone has trained decoders and a refinement; the linear ones are coarse."""

    def decoder(self, layer: str, variant: str, passes: int = DEFAULT_PASSES) -> torch.nn.Module | None:
        return FirstChannels() if variant == LINEAR else super().decoder(layer, variant, passes)


@pytest.fixture(scope="session")
def refined_lab(coarse_lab: Lab, tmp_path_factory) -> Lab:
    """A lab on the tiny network that refines what it decodes from layer1, and has a likely decoder of it."""
    folder = save_likely(coarse_lab, save_refined(coarse_lab, tmp_path_factory.mktemp("refined")))
    return Lab(RefinedModels(coarse_lab.backbone, checkpoints=folder))


@pytest.fixture(scope="session")
def served(coarse_lab: Lab) -> Iterator[tuple[str, AppState]]:
    """The address of a page on the tiny network, and its state."""
    state = AppState(lambda: coarse_lab)
    with serve(state) as url:
        yield url, state


@pytest.fixture(scope="session")
def served_mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, AppState]]:
    """The address of a page on a network that is no ResNet, and its state; its decoders are fitted."""
    network = survey("mobilenet_v3_small")
    state = AppState(lambda: Lab.load(UNTRAINED, backbone=network.name), network=network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CACHE", str(tmp_path_factory.mktemp("fitted")))
        for room in ("decoders.linear", "experiments.linear_maps"):
            patch.setattr(f"explorer.{room}.example_batches", few_batches)
        with serve(state) as url:
            deadline = time.monotonic() + FITTING_SECONDS
            while not state.loading.is_ready:
                assert time.monotonic() < deadline, state.loading.doing
                time.sleep(0.1)
            yield url, state


@contextmanager
def serve(state: AppState, allowed_hosts: Sequence[str] = ()) -> Iterator[str]:
    """Serve a page, and load the models behind it."""
    page = build_page(state).queue(api_open=False)
    state.open()
    options = launch_options(allowed_hosts, state.network.layers)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_port=find_free_port(), **options)
    yield url
    page.close()
    state.close()


def find_free_port() -> int:
    """Find a port; Gradio's own search never ends where two workers take the same one at the same moment."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@pytest.fixture(scope="session")
def address(served: tuple[str, AppState]) -> str:
    """The address of the served page."""
    return served[0]
