"""Cached features: computed once, resumable, mixed anew each epoch, and only of their own recipe."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest
import torch

from trainers.config import ConfigError
from trainers.data.cache import cached_batches, fill_cache
from trainers.data.crops import Share

RECIPE = {"seed": 0, "batch_size": 2}
WHOLE = Share(rank=0, processes=1, batch_size=4)


def numbered(first: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of two whose features and pictures are their own number."""
    for number in range(first, 100):
        values = torch.tensor([2.0 * number, 2.0 * number + 1]).view(2, 1, 1, 1)
        yield values.expand(2, 8, 2, 2), values.expand(2, 3, 4, 4)


def fill(folder: Path, batches: int) -> list[int]:
    return list(fill_cache(folder, RECIPE, batches, numbered))


def read(folder: Path, share: Share, batches: int, first_step: int = 0) -> list[list[int]]:
    found = cached_batches(folder, share, seed=1, first_step=first_step)
    return [batch.images[:, 0, 0, 0].int().tolist() for batch in islice(found, batches)]


def test_a_killed_filling_goes_on_behind_its_last_file(tmp_path: Path) -> None:
    assert fill(tmp_path, 2) == [0, 1]
    (tmp_path / "000002.safetensors.123.partial").write_bytes(b"half a file")
    assert fill(tmp_path, 6) == [2, 3, 4, 5]
    assert fill(tmp_path, 6) == []


def test_every_row_comes_once_an_epoch_in_a_new_order_with_its_features(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    first, second = (list(chain(*read(tmp_path, WHOLE, 3, start))) for start in (0, 3))
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second
    batch = next(cached_batches(tmp_path, WHOLE, seed=1))
    assert batch.features is not None
    assert batch.features.shape == (4, 8, 2, 2)
    assert torch.equal(batch.features[:, 0, 0, 0], batch.images[:, 0, 0, 0])


def test_reading_goes_on_from_any_step_and_is_shared_by_processes(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    whole = read(tmp_path, WHOLE, 5)
    assert read(tmp_path, WHOLE, 2, first_step=3) == whole[3:]
    halves = [read(tmp_path, Share(rank, 2, 2), 5) for rank in (0, 1)]
    assert [first + second for first, second in zip(*halves, strict=True)] == whole


def test_a_folder_of_another_recipe_is_an_error_that_names_what_differs(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    with pytest.raises(ConfigError, match="another seed;"):
        list(fill_cache(tmp_path, {**RECIPE, "seed": 1}, 1, numbered))


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No cached features"):
        next(cached_batches(tmp_path, WHOLE, seed=0))
