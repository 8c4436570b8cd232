"""One process's share of the training batches, and how a picture becomes a crop."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.images import Images, Picture
from trainers.config import DataConfig

SEED_STRIDE = 1_000_003  # Keeps the sample numbers of different seeds apart.
ReadPicture = Callable[[int], Picture]  # From a side length in pixels to the picture's centre square.


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of every global batch a process takes."""

    rank: int
    processes: int
    batch_size: int  # Of this process alone.


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's images, the broken pictures skipped for them, and the stream's position after it.

    From a cache, the images are as small as the decoder draws them, with the features of the whole pictures.
    """

    images: Images
    broken: tuple[str, ...]
    position: dict[str, Any] | None = None
    features: Float[Tensor, "batch channels rows columns"] | None = None

    def to(self, device: torch.device) -> "Batch":
        """Bring the tensors to a device."""
        features = None if self.features is None else self.features.to(device)
        return replace(self, images=self.images.to(device), features=features)


def random_crop(read: ReadPicture, config: DataConfig, generator: torch.Generator) -> Images:
    """Read a picture at a random zoom, crop it at a random place, and mirror it half of the time."""
    zooms = config.max_zoom - config.min_zoom
    zoom = config.min_zoom + zooms * torch.rand((), generator=generator).item()
    images = read(round(config.size * zoom)).images
    slack = images.shape[-1] - config.size
    top, left = (int(torch.randint(slack + 1, (), generator=generator)) for _ in range(2))
    crop = images[..., top : top + config.size, left : left + config.size]
    return crop.flip(-1) if torch.rand((), generator=generator) < 0.5 else crop


@lru_cache(maxsize=2)
def draw_order(length: int, seed: int) -> list[int]:
    """Draw a random order of so many samples."""
    return torch.randperm(length, generator=torch.Generator().manual_seed(seed)).tolist()
