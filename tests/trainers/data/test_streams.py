"""Streamed batches: shared out, in a new order each epoch, and exactly resumable."""

from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from datasets import Dataset

from explorer.images import encode_png, to_images
from tests.support.datasets import WHOLE, grey_levels, grey_stream, write_imagenet_like
from trainers.config import ConfigError, DataConfig
from trainers.data.crops import Share
from trainers.data.folders import training_batches


def test_imagenet_schema_streams_in_shares_and_skips_the_broken(imagenet_like: Path) -> None:
    config = DataConfig(source="hf", dataset=str(imagenet_like), size=32, shuffle_buffer=8, workers=2)
    batches = list(islice(training_batches(config, WHOLE, seed=0), 12))
    assert all(batch.images.shape == (4, 3, 32, 32) for batch in batches)
    assert any("broken.jpg" in name for batch in batches for name in batch.broken)
    first, second = (next(training_batches(config, Share(rank, 2, 2), seed=0)).images for rank in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("files", [1, 2, 3])
def test_two_processes_see_every_streamed_picture_once_an_epoch(tmp_path: Path, files: int) -> None:
    config = grey_stream(tmp_path / "grey", 24, buffer=5, files=files)
    first, second = (grey_levels(config, Share(rank, 2, 4), batches=6) for rank in range(2))
    for epoch in (slice(0, 12), slice(12, 24)):
        assert sorted(first[epoch] + second[epoch]) == list(range(24))


def test_a_stream_is_in_a_new_order_each_epoch_files_included(tmp_path: Path) -> None:
    config = grey_stream(tmp_path / "grey", 24, buffer=3, files=8)
    levels = grey_levels(config, WHOLE, batches=18)
    epochs = [levels[:24], levels[24:48], levels[48:]]
    assert all(sorted(epoch) == list(range(24)) for epoch in epochs)
    files = [[level // 3 for level in epoch[::3]] for epoch in epochs]
    assert files[0] != files[1] != files[2]
    assert any(level % 3 for level in levels[::3])  # The rows of a block are shuffled too.


def test_the_end_of_an_epoch_is_carried_into_the_next(tmp_path: Path) -> None:
    levels = grey_levels(grey_stream(tmp_path / "grey", 6, buffer=4), WHOLE, batches=3)
    assert sorted(levels[:6]) == sorted(levels[6:]) == list(range(6))


@pytest.mark.parametrize("buffer", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_a_stream_goes_on_exactly_where_its_batch_says(imagenet_like: Path, buffer: int) -> None:
    """Batches of 4 from 41 pictures: stops lie within blocks, at their ends, and across an epoch's end."""
    config = DataConfig(source="hf", dataset=str(imagenet_like), size=32, shuffle_buffer=buffer)
    whole = list(islice(training_batches(config, WHOLE, seed=0), 13))
    position = None
    for stop, expected in enumerate(whole):
        once = next(training_batches(config, WHOLE, seed=0, position=position))
        position = once.position  # Of a resumed run: it is stopped after each batch.
        after = training_batches(config, WHOLE, seed=0, position=expected.position)
        found = [once, *islice(after, 2)]
        for batch, wanted in zip(found, whole[stop : stop + 3], strict=False):
            assert torch.equal(batch.images, wanted.images)
            assert batch.broken == wanted.broken


@pytest.mark.parametrize("row", [None, {"bytes": None, "path": None}, {"bytes": b"no", "path": "x.jpg"}])
@pytest.mark.parametrize("size", [1, 2])
def test_rows_without_a_picture_are_skipped_and_counted(tmp_path: Path, row: dict | None, size: int) -> None:
    greys = [to_images(np.full((32, 32, 3), level, np.uint8)) for level in (40, 80, 120)]
    rows = [{"bytes": encode_png(grey), "path": "grey.png"} for grey in greys]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    # Not by `datasets`, which refuses to write such rows.
    pq.write_table(pa.table({"image": pa.array([rows[0], row, *rows[1:]], kind)}), tmp_path / "train.parquet")
    config = DataConfig(source="hf", dataset=str(tmp_path), size=32, max_zoom=1.0, shuffle_buffer=4)
    share = Share(0, 1, size)
    batches = list(islice(training_batches(config, share, seed=0), 12 // size))
    seen = {round(float(image.mean()) * 255) for batch in batches for image in batch.images}
    assert seen == {40, 80, 120}
    assert all(len(batch.images) == size for batch in batches)
    assert sum(len(batch.broken) for batch in batches) >= 2  # Once an epoch.


def test_a_stream_of_nothing_but_broken_rows_ends_in_one_line(tmp_path: Path) -> None:
    folder = write_imagenet_like(tmp_path / "set", [{"bytes": b"no", "path": "x.jpg"}] * 100)
    config = DataConfig(source="hf", dataset=str(folder), size=32)
    with pytest.raises(ConfigError, match=r"Not one of 1000 pictures in a row can be read, as x\.jpg"):
        next(training_batches(config, WHOLE, seed=0))


def test_a_stream_without_a_column_of_images_is_an_error_that_names_its_columns(tmp_path: Path) -> None:
    Dataset.from_dict({"picture": [1, 2]}).to_parquet(tmp_path / "train-00000-of-00001.parquet")
    config = DataConfig(source="hf", dataset=str(tmp_path), size=32)
    with pytest.raises(ConfigError, match="'image', only picture"):
        next(training_batches(config, WHOLE, seed=0))
