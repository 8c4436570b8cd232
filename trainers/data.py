"""Training pictures: ImageNet-1K through Hugging Face datasets (streaming), a folder, or skimage.data.

Every source yields a process's share of each global batch, for ever. A folder's order follows from the seed
and the step alone; a stream's position travels in its batches. Either way a resumed run goes on where it was.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Image, IterableDataset, load_dataset
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader, Dataset

from explorer.images import EXAMPLES, ImageError, Images, Picture, load_example, read_picture
from trainers.config import ConfigError, DataConfig

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
SEED_STRIDE = 1_000_003  # Keeps the sample numbers of different seeds apart.
STREAM_START: dict[str, Any] = {"epoch": 0, "block": 0, "used": 0, "stream": None}
ReadPicture = Callable[[int], Picture]  # From a side length in pixels to the picture's centre square.


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of every global batch a process takes."""

    rank: int
    processes: int
    batch_size: int  # Of this process alone.


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's images, the broken pictures skipped for them, and the stream's position after it."""

    images: Images
    broken: tuple[str, ...]
    position: dict[str, Any] | None = None


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
        return _streamed_batches(config, share, seed, position)
    return _indexed_batches(_indexed_pictures(config), config, share, seed, first_step)


def list_pictures(folder: str | Path) -> list[Path]:
    """List a folder's pictures, subfolders included, in a stable order.

    Raises:
        ConfigError: there are none.
    """
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise ConfigError(f"No pictures ({', '.join(PICTURE_SUFFIXES)}) were found in '{folder}'.")
    return paths


def random_crop(read: ReadPicture, config: DataConfig, generator: torch.Generator) -> Images:
    """Read a picture at a random zoom, crop it at a random place, and mirror it half of the time."""
    zoom = 1 + (config.max_zoom - 1) * torch.rand((), generator=generator).item()
    images = read(round(config.size * zoom)).images
    slack = images.shape[-1] - config.size
    top, left = (int(torch.randint(slack + 1, (), generator=generator)) for _ in range(2))
    crop = images[..., top : top + config.size, left : left + config.size]
    return crop.flip(-1) if torch.rand((), generator=generator) < 0.5 else crop


def _indexed_pictures(config: DataConfig) -> list[tuple[str, ReadPicture]]:
    if config.source == "skimage":
        return [(name, lambda size, name=name: load_example(name, size=size)) for name in EXAMPLES]
    return [
        (str(path), lambda size, path=path: read_picture(path, size=size))
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
        order = _permutation(len(self.pictures), self.seed + epoch)
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


@lru_cache(maxsize=2)
def _permutation(length: int, seed: int) -> list[int]:
    return torch.randperm(length, generator=torch.Generator().manual_seed(seed)).tolist()


def _indexed_batches(
    pictures: list[tuple[str, ReadPicture]], config: DataConfig, share: Share, seed: int, first_step: int
) -> Iterator[Batch]:
    loader = DataLoader(
        _Samples(pictures, config, seed),
        batch_sampler=_NumberBatches(share, first_step),  # pyright: ignore[reportArgumentType]
        num_workers=config.workers,
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


@dataclass(frozen=True, slots=True)
class _Row:
    """One encoded picture of a stream, the seed of its crop, and the position after it."""

    image: dict[str, Any]  # As Hugging Face keeps it: "bytes" and "path", either of which may be None.
    seed: int
    position: dict[str, Any]


def _streamed_batches(
    config: DataConfig, share: Share, seed: int, position: dict[str, Any] | None
) -> Iterator[Batch]:
    """Yield batches of shuffled rows; one that begins at an epoch's end is filled up from the next epoch."""
    rows = _shuffled_rows(config, share, seed, position or STREAM_START)
    with ThreadPoolExecutor(max(1, config.workers)) as readers:
        while True:
            yield _read_rows(list(islice(rows, share.batch_size)), config, readers)


def _shuffled_rows(config: DataConfig, share: Share, seed: int, start: dict[str, Any]) -> Iterator[_Row]:
    """Yield a process's rows for ever, each once an epoch, shuffled within blocks of `shuffle_buffer` rows.

    A position names the block's start in the stream, so a resumed run reads that block again and skips what
    was used of it. The buffer of `datasets` itself would be lost: its rows would be missed.
    """
    for epoch in count(start["epoch"]):
        stream = _open_stream(config, share, seed, epoch)
        if start["stream"]:
            stream.load_state_dict(start["stream"])
        rows, block = iter(stream), 0
        for block in count(start["block"]):
            block_start = stream.state_dict() if block > start["block"] else start["stream"]
            images = [row["image"] for row in islice(rows, config.shuffle_buffer)]
            if not images:
                break
            random = np.random.default_rng([seed, share.rank, epoch, block])
            order, seeds = random.permutation(len(images)), random.integers(2**62, size=len(images))
            for used in range(start["used"], len(images)):
                place = {"epoch": epoch, "block": block, "used": used + 1, "stream": block_start}
                yield _Row(images[order[used]], int(seeds[used]), place)
            start = {**start, "used": 0}
        if not block:
            raise ConfigError(
                f"{config.dataset} ({config.split}) holds no pictures for process {share.rank}."
            )
        start = STREAM_START


def _open_stream(config: DataConfig, share: Share, seed: int, epoch: int) -> IterableDataset:
    """Open the dataset for one process and one epoch; pictures stay encoded, so that a broken one is ours.

    Raises:
        ConfigError: the dataset or its split cannot be had, or there is no column `image`.
    """
    try:
        stream = load_dataset(config.dataset, split=config.split, streaming=True)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"Could not open {config.dataset} ({config.split}): {reason}") from error
    assert isinstance(stream, IterableDataset)
    columns = stream.column_names or ["image"]  # Some formats only know them at the first row.
    if "image" not in columns:
        raise ConfigError(f"{config.dataset} has no column 'image', only {', '.join(columns)}.")
    stream = stream.cast_column("image", Image(decode=False))
    stream = split_dataset_by_node(stream, rank=share.rank, world_size=share.processes)
    # Shuffles the order of the files alone. `shuffle` would also interleave them, by threads of its own that
    # make `datasets` wait for five seconds whenever a stream ends or is closed.
    stream.set_epoch(1 + seed * SEED_STRIDE + epoch)  # Epoch 0 would be left in order.
    return stream


def _read_rows(rows: list[_Row], config: DataConfig, readers: ThreadPoolExecutor) -> Batch:
    """Decode and crop rows in parallel; a broken one's place is filled with another of the batch."""
    crops = list(readers.map(lambda row: _read_row(row, config), rows))
    good = [crop for crop in crops if not isinstance(crop, str)]
    broken = tuple(crop for crop in crops if isinstance(crop, str))
    if not good:
        raise ConfigError(f"Not one of {len(rows)} pictures in a row can be read, as {broken[0]}.")
    return Batch(torch.cat(list(islice(cycle(good), len(rows)))), broken, rows[-1].position)


def _read_row(row: _Row, config: DataConfig) -> Images | str:
    image = row.image
    try:
        return random_crop(
            lambda size: read_picture(image["bytes"] or image["path"], size=size),
            config,
            torch.Generator().manual_seed(row.seed),
        )
    except ImageError as error:
        return f"{image['path']} ({error})"
