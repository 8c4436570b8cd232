"""A lab on the tiny network, without trained decoders."""

import pytest

from explorer.features.backbone import Backbone
from explorer.lab.lab import Lab
from explorer.lab.models import Models


@pytest.fixture
def lab(tiny_network, tmp_path) -> Lab:
    categories = tuple(f"class {index}" for index in range(10))
    backbone = Backbone("tiny", tiny_network, "seed 0", None, categories)
    return Lab(Models(backbone, checkpoints=tmp_path))
