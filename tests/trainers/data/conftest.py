"""Folders of pictures to train on."""

from pathlib import Path

import pytest

from explorer.examples import EXAMPLES, load_example
from explorer.images import to_pil
from tests.support.datasets import write_imagenet_like


@pytest.fixture
def imagenet_like(tmp_path: Path) -> Path:
    """41 pictures in two files, one of them broken."""
    photos = [to_pil(load_example(name, size=64).images) for name in EXAMPLES] * 4
    broken = {"bytes": b"not a picture", "path": "broken.jpg"}
    return write_imagenet_like(tmp_path / "imagenet", [*photos, broken], files=2)
