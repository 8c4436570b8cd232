"""Pictures to train on, made for the tests."""

from itertools import islice
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, Features, Image
from PIL import Image as PILImage

from trainers.config import DataConfig
from trainers.data.crops import Share
from trainers.data.folders import training_batches

WHOLE = Share(rank=0, processes=1, batch_size=4)


def write_imagenet_like(folder: Path, pictures: list[Any], files: int = 1) -> Path:
    """Write a Parquet set in ImageNet-1K's own schema."""
    schema = Features(
        {"image": Image(), "label": ClassLabel(names=[f"class {index}" for index in range(1000)])}
    )
    rows = {"image": pictures, "label": list(range(len(pictures)))}
    whole = Dataset.from_dict(rows, features=schema)
    folder.mkdir()
    for index in range(files):
        part = whole.shard(files, index, contiguous=True)
        part.to_parquet(folder / f"train-{index:05d}-of-{files:05d}.parquet", batch_size=5)
    return folder


def grey_stream(folder: Path, pictures: int, buffer: int, files: int = 1) -> DataConfig:
    """A streamed set whose pictures are of one grey level each: their own number."""
    greys = [PILImage.new("RGB", (32, 32), (level, level, level)) for level in range(pictures)]
    dataset = str(write_imagenet_like(folder, greys, files))
    return DataConfig(source="hf", dataset=dataset, size=32, max_zoom=1.0, shuffle_buffer=buffer)


def grey_levels(config: DataConfig, share: Share, batches: int) -> list[int]:
    """The numbers of the pictures in some batches of a grey stream."""
    found = islice(training_batches(config, share, seed=0), batches)
    return [round(float(image.mean()) * 255) for batch in found for image in batch.images]
