"""A small pool of processes that read files of pictures and of tensors, each with limits of time and memory.

A process that exceeds the time is ended and replaced. The processes share nothing with this one: not its
environment, nor its open files, nor its memory.
"""

import atexit
import os
from collections import deque
from dataclasses import astuple
from threading import BoundedSemaphore, Lock
from typing import Any

import numpy as np

from explorer.decoding.decode import UNREADABLE, Decoded, ImageError
from explorer.decoding.process import NO_START, Lost, Made, Reader, Worker
from explorer.decoding.square import CENTRE, Crop
from explorer.decoding.tensors import Held, Unpacked

WORKERS = 2
WAIT_SECONDS = 10.0

TOO_SLOW = "Decoding this image takes too long; save it as a plain JPEG or PNG."
BUSY = "Too many pictures are being read at the moment; try again in a few seconds."


def decode_apart(content: bytes, size: int, crop: Crop | None = CENTRE) -> Decoded:
    """Decode a file as `decode` does, in a process with limits.

    Raises:
        ImageError: as `decode` does, or a limit was reached.
    """
    return _pool().decode(content, size, crop)


def unpack_apart(content: bytes) -> Unpacked:
    """Take a safetensors file of 12 MB at most apart as `unpack` does, in a process with limits.

    Raises:
        ImageError: it is damaged, or a limit was reached, or all processes stay busy.
    """
    return _pool().unpack(content)


def start_decoders() -> None:
    """Start the processes, so that the first file does not wait for them."""
    _pool()


class DecoderPool:
    """Hands each file to a process that is free; one that has ended is replaced when the next file comes."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._owner = os.getpid()
        self._turns = BoundedSemaphore(workers)
        self._free: deque[Worker] = deque()
        self._all: set[Worker] = set()
        for _ in range(workers):
            self._free.append(self._start())

    def decode(self, content: bytes, size: int, crop: Crop | None = CENTRE) -> Decoded:
        """Decode a file.

        Raises:
            ImageError: it cannot be used, or not within the limits, or all processes stay busy.
        """

        def read(answer: dict[str, Any], pixels: bytes) -> Decoded:
            rows, columns = (int(answer["rows"]), -1) if crop is None else (size, size)
            return Decoded(np.frombuffer(pixels, np.uint8).reshape(rows, columns, 3).copy(), answer["notice"])

        return self._ask({"size": size, "crop": crop and astuple(crop)}, content, read)

    def unpack(self, content: bytes) -> Unpacked:
        """Take a safetensors file apart; raises as `decode`."""

        def read(answer: dict[str, Any], data: bytes) -> Unpacked:
            return Unpacked([Held(*held) for held in answer["tensors"]], answer["words"], data)

        return self._ask({"tensors": True}, content, read)

    def _ask(self, asked: dict[str, Any], content: bytes, read: Reader[Made]) -> Made:
        """Have a process do what is asked with a file, and read its answer; raises as `decode`."""
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise ImageError(BUSY)
        try:
            try:
                return self._try(asked, content, read)
            except Lost:  # Of a process that somebody else has ended, no file is to blame.
                return self._try(asked, content, read)
        except Lost as error:
            if str(error) == NO_START:  # A fault of this installation, not of the file.
                raise RuntimeError(NO_START) from error
            raise ImageError(UNREADABLE) from error
        except OSError as error:  # No process can be started now: too many open files, or too little memory.
            raise ImageError(BUSY) from error
        finally:
            self._turns.release()

    def close(self) -> None:
        """End all processes; does nothing in a fork of the process that started them."""
        if os.getpid() == self._owner:
            for worker in list(self._all):
                self._end(worker)

    def _try(self, asked: dict[str, Any], content: bytes, read: Reader[Made]) -> Made:
        worker = self._free.popleft() if self._free else self._start()
        try:
            answer = worker.ask(asked, content, read)
        except TimeoutError as error:
            self._end(worker)
            raise ImageError(TOO_SLOW) from error
        except (
            EOFError,
            OSError,
            ValueError,
            TypeError,
            LookupError,
        ) as error:  # The process has died, or talks nonsense.
            is_slow = worker.ran_out_of_time()
            self._end(worker)
            raise (ImageError(TOO_SLOW) if is_slow else Lost()) from error
        except BaseException:
            self._end(worker)
            raise
        self._free.append(worker)
        if isinstance(answer, str):
            raise ImageError(answer)
        return answer

    def _start(self) -> Worker:
        worker = Worker()
        self._all.add(worker)
        return worker

    def _end(self, worker: Worker) -> None:
        self._all.discard(worker)
        worker.close()


_lock = Lock()
_pools: dict[int, DecoderPool] = {}


def _pool() -> DecoderPool:
    """Give this process's pool, made on first use; a forked process has to make its own."""
    with _lock:
        if os.getpid() not in _pools:
            _pools.clear()
            _pools[os.getpid()] = pool = DecoderPool()
            atexit.register(pool.close)
        return _pools[os.getpid()]
