"""Strangers' files are decoded in processes that can be ended, and know nothing."""

import errno
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import save

from explorer.decoding.decode import UNREADABLE, ImageError, decode
from explorer.decoding.formats import MAX_PIXELS, MEGAPIXEL
from explorer.decoding.pool import BUSY, TOO_SLOW, DecoderPool
from explorer.decoding.process import Made, Reader, Worker
from explorer.decoding.tensors import DamagedError, Held, unpack
from explorer.decoding.worker import DECODE_SECONDS, allowed_seconds
from tests.support.corpus import bases, encode, photo_like


@pytest.fixture
def decoders():
    decoders = DecoderPool(workers=1)
    yield decoders
    decoders.close()


def only(decoders: DecoderPool) -> Worker:
    (worker,) = decoders._all
    return worker


@pytest.mark.parametrize("name", bases())
def test_a_process_apart_decodes_to_the_same_pixels(decoders, name):
    assert np.array_equal(decoders.decode(bases()[name], 64).pixels, decode(bases()[name], 64).pixels)


def test_a_process_apart_takes_tensors_apart_to_the_same_bytes(decoders):
    tensors = {
        "layer1": torch.arange(6.0).view(2, 3).bfloat16(),
        "layer2": torch.ones(4, dtype=torch.float64),
    }
    content = save(tensors, {"made by": "me"})
    unpacked = decoders.unpack(content)
    assert unpacked == unpack(content)
    assert [*unpacked.tensors] == [Held("layer1", "BF16", [2, 3], 12), Held("layer2", "F64", [4], 32)]
    assert unpacked.words == {"made by": "me"}
    assert unpacked.content == tensors["layer1"].view(torch.int16).numpy().tobytes() + np.ones(4).tobytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 9, save({"a": torch.ones(4)})[:-1], b"\xff" * 7 + b"\0{", b"\2" + b"\0" * 7 + b"[]"],
)
def test_tensors_that_are_not_whole_are_refused_and_the_next_file_is_read(decoders, content: bytes):
    with pytest.raises(DamagedError):
        unpack(content)
    with pytest.raises(ImageError, match="damaged"):
        decoders.unpack(content)
    assert decoders.decode(bases()["png"], 64).pixels.shape == (64, 64, 3)


def test_a_file_that_takes_too_long_is_refused_and_the_next_one_is_read(decoders, monkeypatch):
    decoders.decode(bases()["png"], 64)
    os.kill(only(decoders)._process.pid, signal.SIGSTOP)
    monkeypatch.setattr("explorer.decoding.process.ANSWER_SECONDS", 0.1)
    with pytest.raises(ImageError) as refusal:
        decoders.decode(bases()["png"], 64)
    assert str(refusal.value) == TOO_SLOW
    monkeypatch.undo()
    assert decoders.decode(bases()["png"], 64).pixels.shape == (64, 64, 3)


def test_a_process_that_uses_up_its_time_is_replaced(decoders):
    decoders.decode(bases()["png"], 64)
    os.kill(only(decoders)._process.pid, signal.SIGPROF)  # As its own timer does.
    with pytest.raises(ImageError) as refusal:
        decoders.decode(bases()["png"], 64)
    assert str(refusal.value) == TOO_SLOW
    assert decoders.decode(bases()["png"], 64).pixels.shape == (64, 64, 3)


def test_a_heic_may_take_longer_since_nothing_makes_it_smaller_while_it_is_read():
    """24 megapixels have taken 3.1 seconds; the largest that is opened, 40, has 10 for 5.2."""
    assert allowed_seconds(bases()["heic"]) >= 1.9 * 3.1 / 24 * MAX_PIXELS / MEGAPIXEL
    others = [content for name, content in bases().items() if name != "heic"]
    assert all(allowed_seconds(content) == DECODE_SECONDS for content in (*others, b""))


def test_a_sound_file_is_read_although_its_process_has_been_killed(decoders):
    for _ in range(2):
        os.kill(only(decoders)._process.pid, signal.SIGKILL)
        assert decoders.decode(bases()["png"], 64).pixels.shape == (64, 64, 3)


def test_a_file_that_crashes_every_process_is_refused_and_the_next_one_is_read(decoders, monkeypatch):
    crash = Worker.ask

    def crash_first(worker: Worker, asked: dict[str, Any], content: bytes, read: Reader[Made]) -> Made | str:
        worker._await_start()
        os.kill(worker._process.pid, signal.SIGSEGV)
        return crash(worker, asked, content, read)

    monkeypatch.setattr(Worker, "ask", crash_first)
    with pytest.raises(ImageError) as refusal:
        decoders.decode(bases()["png"], 64)
    assert str(refusal.value) == UNREADABLE
    monkeypatch.undo()
    assert decoders.decode(bases()["png"], 64).pixels.shape == (64, 64, 3)


def test_processes_that_are_lost_while_none_can_be_started_come_back(decoders, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    os.kill(only(decoders)._process.pid, signal.SIGKILL)
    monkeypatch.setattr("explorer.decoding.process.subprocess.Popen", fail)
    for _ in range(3):
        with pytest.raises(ImageError) as refusal:
            decoders.decode(bases()["png"], 64)
        assert str(refusal.value) == BUSY
    monkeypatch.undo()
    assert decoders.decode(bases()["png"], 64).pixels.shape == (64, 64, 3)
    assert len(decoders._all) == 1


def test_when_all_processes_are_busy_the_refusal_says_so(decoders, monkeypatch):
    monkeypatch.setattr("explorer.decoding.pool.WAIT_SECONDS", 0.0)
    decoders._turns.acquire()
    with pytest.raises(ImageError) as refusal:
        decoders.decode(bases()["png"], 64)
    assert str(refusal.value) == BUSY
    decoders._turns.release()


def test_the_process_knows_nothing_of_the_environment(decoders, monkeypatch):
    monkeypatch.setenv("EXPLORER_TEST_SECRET", "nobody may read this")
    worker = Worker()
    try:
        worker._await_start()
        environment = Path(f"/proc/{worker._process.pid}/environ").read_bytes()
    finally:
        worker.close()
    assert b"EXPLORER_TEST_SECRET" not in environment


def test_the_process_ends_when_its_parent_does():
    worker = Worker()
    worker._await_start()
    worker._connection.close()
    assert worker._process.wait(10) == 0


def test_the_largest_photo_turned_fits_the_memory_and_the_time(decoders):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    photo = photo_like(500, 312).resize((8000, 5000))
    content = encode(photo, "JPEG", quality=60, exif=exif, progressive=True)
    assert decoders.decode(content, 64).pixels.shape == (64, 64, 3)
