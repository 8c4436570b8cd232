"""Training pictures: ImageNet-1K through Hugging Face datasets (streaming), a folder, or skimage.data.

Every source yields a process's share of each global batch, for ever. A folder's order follows from the seed
and the step alone; a stream's position travels in its batches. Either way a resumed run goes on where it was.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from explorer.decoding.decode import decode
from explorer.examples import EXAMPLES, load_example
from explorer.folders import sort_files
from explorer.images import ImageError, Images, read_picture
from trainers.config import ConfigError, DataConfig
from trainers.data.crops import SEED_STRIDE, Batch, ReadPicture, Share, draw_order, random_crop
from trainers.data.streams import streamed_batches


@dataclass(frozen=True, slots=True)
class Sample:
    """One training crop (none if every picture is broken), and the names of broken pictures before it."""

    images: Images
    broken: tuple[str, ...]


def training_batches(
    config: DataConfig,
    share: Share,
    *,
    seed: int,
    first_step: int = 0,
    position: dict[str, Any] | None = None,
) -> Iterator[Batch]:
    """Yield this process's batches from a step on, without end.

    Raises:
        ConfigError: the folder holds no pictures, or every picture is broken.
    """
    if config.source == "hf":
        return streamed_batches(config, share, seed, position)
    return _indexed_batches(_indexed_pictures(config), config, share, seed, first_step)


def list_pictures(folder: str | Path) -> list[Path]:
    """List a folder's pictures, subfolders included, in a stable order; several are joined as in PATH.

    Raises:
        ConfigError: there are none.
    """
    folders = [Path(name) for name in str(folder).split(os.pathsep)]
    paths = sorted(path for one in folders for path in sort_files(one)[0])
    if not paths:
        raise ConfigError(f"No pictures were found in '{folder}'.")
    return paths


def _indexed_pictures(config: DataConfig) -> list[tuple[str, ReadPicture]]:
    if config.source == "skimage":
        return [(name, lambda size, name=name: load_example(name, size=size)) for name in EXAMPLES]
    return [
        (str(path), lambda size, path=path: read_picture(path, size=size, decoder=decode))
        for path in list_pictures(config.folder)
    ]


class _Samples(Dataset[Sample]):
    """Training crops by global sample number, in a new random order each epoch."""

    def __init__(self, pictures: list[tuple[str, ReadPicture]], config: DataConfig, seed: int) -> None:
        self.pictures = pictures
        self.config = config
        self.seed = seed

    def __getitem__(self, number: int) -> Sample:
        epoch, place = divmod(number, len(self.pictures))
        order = draw_order(len(self.pictures), self.seed + epoch)
        generator = torch.Generator().manual_seed(self.seed * SEED_STRIDE + number)
        broken: list[str] = []
        for offset in range(len(order)):  # A broken picture's place is taken by the next one that reads.
            name, read = self.pictures[order[(place + offset) % len(order)]]
            try:
                return Sample(random_crop(read, self.config, generator), tuple(broken))
            except ImageError as error:
                broken.append(f"{name} ({error})")
        # No exception: a worker process would pass on its traceback as the message.
        return Sample(torch.empty(0, 3, self.config.size, self.config.size), tuple(broken))


def _indexed_batches(
    pictures: list[tuple[str, ReadPicture]], config: DataConfig, share: Share, seed: int, first_step: int
) -> Iterator[Batch]:
    loader = DataLoader(
        _Samples(pictures, config, seed),
        batch_sampler=_NumberBatches(share, first_step),  # pyright: ignore[reportArgumentType]
        num_workers=min(config.workers, os.cpu_count() or 1),
        collate_fn=_collate,
    )
    for batch in loader:
        if not len(batch.images):
            count = len(pictures)
            raise ConfigError(f"Not one of the {count} training pictures can be read, as {batch.broken[0]}.")
        yield batch


@dataclass(frozen=True, slots=True)
class _NumberBatches:
    """Sample numbers of this process's part of each global batch, from a step on."""

    share: Share
    first_step: int

    def __iter__(self) -> Iterator[list[int]]:
        size = self.share.batch_size
        for step in count(self.first_step):
            first = (step * self.share.processes + self.share.rank) * size
            yield list(range(first, first + size))


def _collate(samples: list[Sample]) -> Batch:
    return Batch(
        torch.cat([sample.images for sample in samples]),
        tuple(name for sample in samples for name in sample.broken),
    )
