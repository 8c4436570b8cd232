"""The picture file that the commands are given."""

from pathlib import Path

import pytest

from explorer.examples import load_example
from explorer.images import to_pil
from tests.support.running import SIDE


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "my cat.png"
    to_pil(load_example("cat", size=SIDE).images).save(path)
    return path
