"""Two small pictures to experiment on."""

import pytest
import torch

from explorer.images import Picture
from tests.support.made import SIZE as SIDE


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    generator = torch.Generator().manual_seed(0)
    coarse = [torch.rand(1, 3, 8, 8, generator=generator) for _ in range(2)]
    fine = [torch.nn.functional.interpolate(one, (SIDE, SIDE), mode="bilinear") for one in coarse]
    return [Picture(name, images) for name, images in zip(("one", "two"), fine, strict=True)]
