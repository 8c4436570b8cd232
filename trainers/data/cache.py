"""Features computed once and kept in files, for decoders that cost less than the trunk before them.

One file holds one batch: the features in half precision, and the pictures as small as the decoder draws them.
Each is written whole, so a killed run goes on behind the last one. Reading mixes the rows of all files anew
each epoch.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from explorer.files import replacing
from trainers.config import ConfigError
from trainers.data.crops import Batch, Share, draw_order

MANIFEST = "cache.json"
FEATURES, IMAGES = "features", "images"


def fill_cache(
    folder: Path,
    recipe: Mapping[str, Any],
    batches: int,
    compute: Callable[[int], Iterator[tuple[Tensor, Tensor]]],
) -> Iterator[int]:
    """Write the files that are missing, and yield the number of each when it is there.

    ``recipe`` is all that the files depend on; ``compute`` yields features and pictures from a batch on.

    Raises:
        ConfigError: the folder holds features of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _check_recipe(folder / MANIFEST, recipe)
    first = next(number for number in count() if not _file(folder, number).is_file())
    if first >= batches:
        return
    for number, (features, images) in zip(range(first, batches), compute(first), strict=False):
        with replacing(_file(folder, number)) as partial:
            save_file({FEATURES: features.half().contiguous(), IMAGES: images.half().contiguous()}, partial)
        yield number


def cached_batches(folder: Path, share: Share, *, seed: int, first_step: int = 0) -> Iterator[Batch]:
    """Yield this process's batches of kept features and pictures from a step on, without end.

    Raises:
        ConfigError: the folder holds no features.
    """
    rows = [(path, row) for path in sorted(folder.glob("*.safetensors")) for row in range(_count(path))]
    if not rows:
        raise ConfigError(f"No cached features were found in '{folder}'.")
    for step in count(first_step):
        first = (step * share.processes + share.rank) * share.batch_size
        features, images = zip(
            *(_read(*rows[_place(first + offset, len(rows), seed)]) for offset in range(share.batch_size)),
            strict=True,
        )
        yield Batch(torch.cat(images).float(), (), features=torch.cat(features).float())


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.safetensors"


def _check_recipe(path: Path, recipe: Mapping[str, Any]) -> None:
    wanted = json.dumps(recipe, indent=2, sort_keys=True)
    if not path.is_file():
        with replacing(path) as partial:
            partial.write_text(wanted, encoding="utf-8")
    elif (text := path.read_text(encoding="utf-8")) != wanted:
        kept = json.loads(text)
        changed = ", ".join(sorted(key for key in {*kept, *recipe} if kept.get(key) != recipe.get(key)))
        raise ConfigError(f"cache={path.parent} was made with another {changed}; name another folder.")


@cache
def _count(path: Path) -> int:
    with safe_open(path, framework="pt") as file:
        return file.get_slice(FEATURES).get_shape()[0]


def _read(path: Path, row: int) -> tuple[Tensor, Tensor]:
    with safe_open(path, framework="pt") as file:
        features, images = (file.get_slice(name)[row : row + 1] for name in (FEATURES, IMAGES))
    return features, images


def _place(number: int, length: int, seed: int) -> int:
    """Find the row that is the sample of this number: every row once an epoch, in a new order."""
    epoch, place = divmod(number, length)
    return draw_order(length, seed + epoch)[place]
