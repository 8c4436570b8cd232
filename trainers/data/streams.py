"""Training pictures from a Hugging Face dataset, streamed: ImageNet-1K, or a folder of Parquet files.

Rows are shuffled in blocks of our own, because `datasets` loses its shuffle buffer when a stream is resumed.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count, cycle, islice
from typing import Any

import numpy as np
import torch
from datasets import Image, IterableDataset, load_dataset
from datasets.distributed import split_dataset_by_node

from explorer.decoding.decode import decode
from explorer.images import ImageError, Images, read_picture
from trainers.config import ConfigError, DataConfig
from trainers.data.crops import SEED_STRIDE, Batch, Share, random_crop

MAX_BROKEN = 1000  # So many rows in a row are no accident.
STREAM_START: dict[str, Any] = {"epoch": 0, "block": 0, "used": 0, "stream": None}


@dataclass(frozen=True, slots=True)
class _Row:
    """One encoded picture of a stream, the seed of its crop, and the position after it."""

    image: (
        dict[str, Any] | None
    )  # As Hugging Face keeps it: "bytes" and "path"; each of the three may be None.
    seed: int
    position: dict[str, Any]


def streamed_batches(
    config: DataConfig, share: Share, seed: int, position: dict[str, Any] | None
) -> Iterator[Batch]:
    """Yield batches of shuffled rows; one that begins at an epoch's end is filled up from the next epoch.

    Raises:
        ConfigError: MAX_BROKEN rows one after another cannot be read.
    """
    rows = _shuffled_rows(config, share, seed, position or STREAM_START)
    broken: tuple[str, ...] = ()
    with ThreadPoolExecutor(max(1, config.workers)) as readers:
        while True:
            batch = _read_rows(list(islice(rows, share.batch_size)), config, readers)
            broken += batch.broken
            if len(batch.images):
                yield replace(batch, broken=broken)
                broken = ()
            elif len(broken) >= MAX_BROKEN:
                raise ConfigError(f"Not one of {len(broken)} pictures in a row can be read, as {broken[0]}.")


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
    """Decode and crop rows in parallel; a broken one's place is filled with another of the batch, if any."""
    crops = list(readers.map(lambda row: _read_row(row, config), rows))
    good = [crop for crop in crops if not isinstance(crop, str)]
    broken = tuple(crop for crop in crops if isinstance(crop, str))
    images = (
        torch.cat(list(islice(cycle(good), len(rows)))) if good else torch.empty(0, 3, *[config.size] * 2)
    )
    return Batch(images, broken, rows[-1].position)


def _read_row(row: _Row, config: DataConfig) -> Images | str:
    image = row.image or {}
    content, name = image.get("bytes") or image.get("path"), image.get("path") or "a row"
    if not content:
        return f"{name} (it holds no picture)"
    try:
        return random_crop(
            lambda size: read_picture(content, size=size, decoder=decode),
            config,
            torch.Generator().manual_seed(row.seed),
        )
    except ImageError as error:
        return f"{name} ({error})"
