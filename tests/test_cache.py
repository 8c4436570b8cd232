"""The cache of fitted tensors: what was computed once is found again, and lost by no fault of a disk."""

import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from explorer import cache
from explorer.cache import cached, find


@dataclass(frozen=True, slots=True)
class Pair:
    first: Tensor
    second: Tensor


class Counted:
    """Makes a pair, and counts how often it had to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Pair:
        self.times += 1
        return Pair(torch.tensor([1.0, 2.0]), torch.tensor([3]))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "_in_memory", {})
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_made_is_found_at_the_next_start_and_by_its_key_alone(folder: Path) -> None:
    make = Counted()
    first, second = (cached("pair", Pair, make) for _ in range(2))
    assert make.times == 1
    assert torch.equal(first.first, second.first)
    assert second.second.tolist() == [3]
    assert [path.name for path in folder.iterdir()] == ["pair.safetensors"]
    assert find("other", Pair) is None


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\xff" * 64])
def test_a_damaged_file_is_made_anew_and_replaced(folder: Path, content: bytes) -> None:
    make = Counted()
    cached("pair", Pair, make)
    (folder / "pair.safetensors").write_bytes(content)
    assert find("pair", Pair) is None
    assert cached("pair", Pair, make).second.tolist() == [3]
    assert make.times == 2
    assert find("pair", Pair) is not None


def test_tensors_of_another_kind_count_as_absent() -> None:
    cached("pair", Pair, Counted())
    assert find("pair", lambda first: first) is None


def stand_in_the_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write_text("a file where the folder should be")


def refuse_to_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "save_file", fill)


def take_the_home_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("EXPLORER_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)


@pytest.mark.parametrize("fault", [stand_in_the_way, refuse_to_write, take_the_home_away])
def test_what_no_disk_takes_stays_in_memory_and_one_line_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault
) -> None:
    fault(folder, monkeypatch)
    make = Counted()
    with caplog.at_level(logging.WARNING):
        assert [cached("pair", Pair, make).second.tolist() for _ in range(3)] == [[3]] * 3
    assert make.times == 1
    (said,) = caplog.messages
    assert "kept in memory alone" in said
    assert "Set EXPLORER_CACHE" in said
