"""A small pool of processes that decode files, each with limits of time and memory.

A process that exceeds the time is ended and replaced. The processes share nothing with this one: not its
environment, nor its open files, nor its memory.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
from collections import deque
from dataclasses import astuple
from multiprocessing import Pipe
from threading import BoundedSemaphore, Lock

import numpy as np

from explorer.decoding.apart import bare_environment
from explorer.decoding.decode import UNREADABLE, Decoded, ImageError
from explorer.decoding.square import CENTRE, Crop

WORKERS = 2
ANSWER_SECONDS = 30.0  # For a process that waits for the processor, which its own limit does not count.
START_SECONDS = 30.0  # A busy machine may take long to start an interpreter.
WAIT_SECONDS = 10.0
MAX_ANSWER_BYTES = 3 * 2048**2  # The pixels of the largest square that anybody asks for.

TOO_SLOW = "Decoding this image takes too long; save it as a plain JPEG or PNG."
NO_START = "The process that decodes pictures does not start."
BUSY = "Too many pictures are being read at the moment; try again in a few seconds."


def decode_apart(content: bytes, size: int, crop: Crop | None = CENTRE) -> Decoded:
    """Decode a file as `decode` does, in a process with limits.

    Raises:
        ImageError: as `decode` does, or a limit was reached.
    """
    return _pool().decode(content, size, crop)


def start_decoders() -> None:
    """Start the processes, so that the first file does not wait for them."""
    _pool()


class DecoderPool:
    """Hands each file to a process that is free; one that has ended is replaced when the next file comes."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._owner = os.getpid()
        self._turns = BoundedSemaphore(workers)
        self._free: deque[_Worker] = deque()
        self._all: set[_Worker] = set()
        for _ in range(workers):
            self._free.append(self._start())

    def decode(self, content: bytes, size: int, crop: Crop | None = CENTRE) -> Decoded:
        """Decode a file.

        Raises:
            ImageError: it cannot be used, or not within the limits, or all processes stay busy.
        """
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise ImageError(BUSY)
        try:
            try:
                return self._try(content, size, crop)
            except _Lost:  # Of a process that somebody else has ended, no file is to blame.
                return self._try(content, size, crop)
        except _Lost as error:
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

    def _try(self, content: bytes, size: int, crop: Crop | None) -> Decoded:
        worker = self._free.popleft() if self._free else self._start()
        try:
            answer = worker.decode(content, size, crop)
        except TimeoutError as error:
            self._end(worker)
            raise ImageError(TOO_SLOW) from error
        except (EOFError, OSError, ValueError) as error:  # The process has died, or talks nonsense.
            is_slow = worker.ran_out_of_time()
            self._end(worker)
            raise (ImageError(TOO_SLOW) if is_slow else _Lost()) from error
        except BaseException:
            self._end(worker)
            raise
        self._free.append(worker)
        if isinstance(answer, str):
            raise ImageError(answer)
        return answer

    def _start(self) -> "_Worker":
        worker = _Worker()
        self._all.add(worker)
        return worker

    def _end(self, worker: "_Worker") -> None:
        self._all.discard(worker)
        worker.close()


class _Lost(Exception):
    """A process that ended, not by its own limits."""


class _Worker:
    """One process and the connection to it."""

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "explorer.decoding.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=bare_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        theirs.close()
        self._is_ready = False

    def decode(self, content: bytes, size: int, crop: Crop | None) -> Decoded | str:
        """Have a file decoded; give its pixels, or why it cannot be used.

        Raises TimeoutError when the process takes too long, EOFError, OSError or _Lost when it is dead.
        """
        self._await_start()
        self._connection.send_bytes(json.dumps({"size": size, "crop": crop and astuple(crop)}).encode())
        self._connection.send_bytes(content)
        answer = json.loads(self._receive(ANSWER_SECONDS))
        if "error" in answer:
            return str(answer["error"])
        rows, columns = (int(answer["rows"]), -1) if crop is None else (size, size)
        pixels = np.frombuffer(self._receive(ANSWER_SECONDS), np.uint8).reshape(rows, columns, 3)
        return Decoded(pixels.copy(), answer["notice"])

    def ran_out_of_time(self) -> bool:
        """End the process; tell whether its own limit had ended it before."""
        self._process.kill()
        return self._process.wait() == -signal.SIGPROF

    def _await_start(self) -> None:
        if self._is_ready:
            return
        try:
            self._receive(START_SECONDS)
        except (EOFError, OSError) as error:  # A TimeoutError is an OSError.
            raise _Lost(NO_START) from error
        self._is_ready = True

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _receive(self, seconds: float) -> bytes:
        if not self._connection.poll(seconds):
            raise TimeoutError
        return self._connection.recv_bytes(MAX_ANSWER_BYTES)


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
