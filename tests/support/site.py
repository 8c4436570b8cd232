"""The page without a server, written once for the tests of its files and of its looks."""

from pathlib import Path

import pytest

from explorer.examples import load_example
from explorer.lab.lab import Lab
from explorer.ui.session.app_state import AppState
from explorer.ui.site.build import write_site
from tests.support.fitting import few_batches

PICTURES = ("cat", "coffee")
NO_NPM = "Own photos cannot be tried on this page: npm is not installed here."


@pytest.fixture(scope="session")
def site(refined_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a page of two examples, the first with its recorded run."""
    folder = tmp_path_factory.mktemp("site")
    state = AppState(lambda: refined_lab)
    state.open()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CACHE", str(tmp_path_factory.mktemp("fitted")))
        patch.setattr("explorer.experiments.linear_maps.example_batches", few_batches)
        written = write_site(state, {name: (load_example(name), name) for name in PICTURES}, folder, NO_NPM)
        assert tuple(written) == PICTURES
    return folder
