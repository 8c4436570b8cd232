"""Whatever goes wrong while the models load, the page says what, and never "Loading …" for good."""

import time
from pathlib import Path

import pytest
import torch

from explorer.errors import ExplorerError
from explorer.lab.lab import Lab
from explorer.lab.models import Models
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


@pytest.mark.usefixtures("fast_judge")
def test_how_far_a_fit_is_stands_there_while_the_models_load_and_not_after(
    tiny_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network lacks decoders: the fit of layer1's is told batch by batch, then the equations."""
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    batches = [torch.rand(4, 3, 64, 64) for _ in range(2)]
    monkeypatch.setattr("explorer.decoders.linear.example_batches", lambda: batches)
    seen: list[str] = []

    class OneLayer(Lab):
        @property
        def layers(self) -> tuple[str, ...]:
            return ("layer1",)

        def prepare(self) -> None:
            pass

    def tell(doing: str) -> None:
        loading.tell(doing)
        seen.append(loading.doing)

    loading = Loading(lambda: OneLayer(Models(tiny_lab.backbone, checkpoints=tmp_path, tell=tell)))
    wait(loading)
    assert (loading.failure, loading.notice) == (None, None)
    assert seen == [f"Fitting the linear decoder of layer1: {share}% …" for share in (0, 3, 97, 100)]
    tell("Fitting the linear decoder of layer2: 50% …")  # By a visitor's run, later.
    assert (loading.doing, loading.is_ready) == ("", True)
