"""Bundled weights: whole, or an error that says how to restore them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from explorer import weight_files
from explorer.errors import MetricUnavailable
from explorer.features.backbone import load_backbone
from explorer.metrics.lpips import Lpips, load_lpips
from explorer.weight_files import ALEXNET, RESNET50_COMPACT, SQUEEZENET, BundledFile, BundledFileError

FILES = (RESNET50_COMPACT, ALEXNET, SQUEEZENET)
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "altered": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "empty": lambda content: b"",
}


@pytest.fixture(params=DAMAGES)
def damaged(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of damaged copies, used instead of the repository's."""
    folder = tmp_path / "checkpoints" / "backbones"
    folder.mkdir(parents=True)
    for file in FILES:
        (folder / file.name).write_bytes(DAMAGES[request.param](file.locate().read_bytes()))
    monkeypatch.setattr(weight_files, "FOLDER", folder)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return folder


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_bundled_file_is_the_one_that_was_committed(file: BundledFile) -> None:
    assert file.locate().is_file()


@pytest.mark.parametrize("weights", ["compact", "IMAGENET1K_V1"])
def test_a_damaged_copy_is_an_error_that_names_the_file_and_how_to_restore_it(
    damaged: Path, weights: str
) -> None:
    restore = rf"{RESNET50_COMPACT.name} .*git checkout -- checkpoints/backbones/{RESNET50_COMPACT.name}"
    with pytest.raises(BundledFileError, match=restore):
        load_backbone(weights)


def test_damaged_features_are_said_of_lpips_and_of_the_training_loss(damaged: Path) -> None:
    images = torch.zeros(1, 3, 64, 64)
    with pytest.raises(MetricUnavailable, match=f"git checkout -- checkpoints/backbones/{ALEXNET.name}"):
        Lpips()(images, images)
    with pytest.raises(BundledFileError, match=SQUEEZENET.name):
        load_lpips("squeeze")


def test_a_missing_file_is_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_files, "FOLDER", tmp_path / "checkpoints" / "backbones")
    with pytest.raises(BundledFileError, match="missing"):
        RESNET50_COMPACT.locate()
