"""Batches from a folder: shared out, exactly resumable, and none lost to a broken picture."""

from itertools import islice
from pathlib import Path

import pytest
import torch
from PIL import Image as PILImage

from tests.support.datasets import WHOLE
from trainers.config import ConfigError, DataConfig
from trainers.data.crops import Share
from trainers.data.folders import list_pictures, training_batches


def test_shares_of_two_processes_make_up_the_whole_batch(photo_folder: Path) -> None:
    config = DataConfig(source="folder", folder=str(photo_folder), size=32, workers=0)
    whole = list(islice(training_batches(config, WHOLE, seed=0), 3))
    parts = [list(islice(training_batches(config, Share(rank, 2, 2), seed=0), 3)) for rank in range(2)]
    for batch, first, second in zip(whole, *parts, strict=True):
        torch.testing.assert_close(torch.cat([first.images, second.images]), batch.images)


def test_folder_batches_go_on_from_any_step(photo_folder: Path) -> None:
    config = DataConfig(source="folder", folder=str(photo_folder), size=32, workers=1)
    batches = list(islice(training_batches(config, WHOLE, seed=3), 4))
    resumed = next(training_batches(config, WHOLE, seed=3, first_step=3))
    torch.testing.assert_close(resumed.images, batches[3].images)


def test_broken_pictures_are_skipped_and_named(photo_folder: Path) -> None:
    (photo_folder / "aaa-broken.jpg").write_bytes(b"\xff\xd8 not a photo")
    config = DataConfig(source="folder", folder=str(photo_folder), size=32, workers=0)
    batches = list(islice(training_batches(config, WHOLE, seed=0), 3))
    assert any("aaa-broken.jpg" in name for batch in batches for name in batch.broken)
    assert all(batch.images.shape == (4, 3, 32, 32) for batch in batches)


def test_class_folders_behind_links_are_walked_once_each(photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "owls").symlink_to(photo_folder)
    (tmp_path / "set" / "round").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "owls again").symlink_to(photo_folder)
    names = sorted(path.name for path in photo_folder.iterdir())
    assert [path.name for path in list_pictures(tmp_path / "set")] == names


@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_of_only_broken_pictures_is_an_error_of_one_line(tmp_path: Path, workers: int) -> None:
    (tmp_path / "one.jpg").write_bytes(b"no")
    config = DataConfig(source="folder", folder=str(tmp_path), size=32, workers=workers)
    with pytest.raises(ConfigError, match=r"one\.jpg") as caught:
        next(training_batches(config, WHOLE, seed=0))
    assert len(str(caught.value).splitlines()) == 1


def test_pictures_of_any_mode_train(photo_folder: Path) -> None:
    PILImage.new("L", (80, 60), 90).save(photo_folder / "grey.png")
    PILImage.new("RGBA", (60, 80), (255, 0, 0, 128)).save(photo_folder / "glass.png")
    config = DataConfig(source="folder", folder=str(photo_folder), size=32, workers=0)
    assert not any(batch.broken for batch in islice(training_batches(config, WHOLE, seed=0), 4))
