"""A page on a tiny network, served by this process, for the tests of the page and of its API."""

from collections.abc import Iterator

import pytest

from explorer.lab.lab import Lab
from explorer.ui.launch import launch_options
from explorer.ui.page import build_page
from explorer.ui.session.app_state import AppState


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
