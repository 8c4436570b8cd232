"""Folders of photos to train and to evaluate on."""

from pathlib import Path

import pytest

from explorer.examples import EXAMPLES, load_example
from explorer.images import to_pil


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in EXAMPLES:
        to_pil(load_example(name, size=64).images).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in EXAMPLES[:2]:
        to_pil(load_example(name).images).save(folder / f"{name}.png")
    return folder
