"""Weights that strangers may have made: read in a process with limits, whose end is one sentence."""

import re
import struct
import time
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
import torch
from safetensors.torch import save_file

from explorer.features.reading import read_apart
from explorer.features.state import (
    COMPRESSED,
    OLD_FORMAT,
    OVERLAPPING,
    WeightsError,
    check_archive,
    read_state,
)

STATE = {"weight": torch.arange(6.0).view(2, 3), "half": torch.ones(4, dtype=torch.float16)}
SOON_SECONDS = 100.0  # Torch takes some to start, and may wait for the processor.


def save_pickle(path: Path, pickle: bytes) -> Path:
    """Write a file of torch.save with a pickle of one's own."""
    torch.save(STATE, path.with_suffix(".sound"))
    with ZipFile(path.with_suffix(".sound")) as sound, ZipFile(path, "w") as archive:
        for name in sound.namelist():
            archive.writestr(name, pickle if name.endswith("data.pkl") else sound.read(name))
    return path


def nested_key(depth: int) -> bytes:
    """A dict whose only key is a tuple of twice a tuple of twice a tuple …"""
    places = b"".join(b"q%c" % at + b"h%c" % at + b"\x86" for at in range(depth))
    return b"\x80\x02})" + places + b"K\x01s."


def overlap(path: Path) -> Path:
    """Name the same content many times."""
    torch.save({"a": torch.zeros(10_000)}, path)
    with ZipFile(path, "a") as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
        for number in range(100):
            again = ZipInfo(f"{largest.filename}{number}")
            for name in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(again, name, getattr(largest, name))
            archive.filelist.append(again)
        setattr(archive, "_didModify", True)  # noqa: B010 - so that the list is written anew.
    return path


def test_files_of_pytorch_pass_the_look_at_them(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "mine.pth")
    check_archive(tmp_path / "mine.pth")


def test_a_file_that_unpacks_to_a_multiple_of_its_size_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "plain.pth")
    with ZipFile(tmp_path / "plain.pth") as plain, ZipFile(tmp_path / "bomb.pth", "w", ZIP_DEFLATED) as bomb:
        for entry in plain.namelist():
            bomb.writestr(entry, plain.read(entry))
    assert torch.load(tmp_path / "bomb.pth", weights_only=True)["a"].numel() == 1_000_000
    with pytest.raises(WeightsError, match=re.escape(COMPRESSED)):
        check_archive(tmp_path / "bomb.pth")


def test_a_file_whose_entries_overlap_is_refused(tmp_path: Path) -> None:
    path = overlap(tmp_path / "over.pth")
    with ZipFile(path) as archive:
        assert len(archive.infolist()) > 100
    with pytest.raises(WeightsError, match=re.escape(OVERLAPPING)):
        check_archive(path)


def test_a_plain_pickle_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "code.pth").write_bytes(b"cos\nsystem\n(S'true'\ntR.")  # Would call os.system.
    with pytest.raises(WeightsError, match=re.escape(OLD_FORMAT)):
        check_archive(tmp_path / "code.pth")


def test_a_name_that_is_no_text_is_not_written_out(tmp_path: Path) -> None:
    """Written out, a tuple nested eighteen times has a million characters."""
    with pytest.raises(WeightsError, match="holds a name that is no text") as refusal:
        read_state(save_pickle(tmp_path / "nested.pth", nested_key(18)))
    assert len(str(refusal.value)) < 100


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_come_through_the_process_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    save_file(STATE, path) if suffix == ".safetensors" else torch.save(STATE, path)
    read = read_apart(path)
    assert read.keys() == STATE.keys()
    assert all(
        torch.equal(read[name], weight) and read[name].dtype == weight.dtype for name, weight in STATE.items()
    )


def for_ever(folder: Path) -> Path:
    return save_pickle(folder / "odd.pth", nested_key(60))


def millions_of_lists(folder: Path) -> Path:
    return save_pickle(folder / "odd.pth", b"\x80\x02" + b"]" * 8_000_000 + b".")


def endless_tensor(folder: Path) -> Path:
    torch.save({"a": torch.zeros(1).expand(2**40)}, folder / "odd.pth")
    return folder / "odd.pth"


def many_tensors(folder: Path) -> Path:
    save_file({f"{number}": torch.zeros(1) for number in range(11_000)}, folder / "odd.safetensors")
    return folder / "odd.safetensors"


def long_header(folder: Path) -> Path:
    (folder / "odd.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}")
    return folder / "odd.safetensors"


@pytest.mark.slow
@pytest.mark.parametrize("make", [for_ever, millions_of_lists, endless_tensor, many_tensors, long_header])
def test_a_file_that_takes_too_much_is_refused_soon(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    began = time.monotonic()
    with pytest.raises(
        WeightsError, match=r"more time or memory|is damaged|of a kind that no network|is no file of"
    ):
        read_apart(path, seconds=2)
    assert time.monotonic() - began < SOON_SECONDS
