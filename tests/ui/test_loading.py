"""Whatever goes wrong while the models load, the page says what, and never "Loading …" for good."""

import time
from pathlib import Path

import pytest

from explorer.errors import ExplorerError
from explorer.lab.lab import Lab
from explorer.ui.session.loading import Loading


def wait(loading: Loading) -> None:
    loading.start()
    deadline = time.monotonic() + 60
    while not loading.is_ready:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ExplorerError("No such weights."), "No such weights."),
        (
            PermissionError(13, "Permission denied", "/home/me/cache"),
            "could not be loaded: cache: Permission denied.",
        ),
        (ExplorerError("/srv/models/a.safetensors is damaged."), "a.safetensors is damaged."),
        (RuntimeError("out of memory"), "could not be loaded: RuntimeError: out of memory"),
        (MemoryError(), "could not be loaded: MemoryError"),
    ],
)
def test_a_failure_ends_loading_with_its_reason(error: Exception, message: str) -> None:
    def load() -> Lab:
        raise error

    loading = Loading(load)
    wait(loading)
    assert loading.failure is not None
    assert message in loading.failure
    assert not loading.is_open
    with pytest.raises(ExplorerError, match=message.split(":")[0]):
        _ = loading.lab


def test_the_lab_runs_although_something_else_could_not_be_prepared(coarse_lab: Lab, tmp_path: Path) -> None:
    class Half(Lab):
        def prepare(self) -> None:
            raise OSError(28, "No space left on device", str(tmp_path))

    loading = Loading(lambda: Half(coarse_lab.models))
    wait(loading)
    assert loading.failure is None
    assert loading.is_open
    assert "No space left on device" in (loading.notice or "")
