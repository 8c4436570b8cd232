"""One process that reads strangers' files, as the one that has started it sees it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import Pipe
from typing import Any, TypeVar

from explorer.decoding.apart import bare_environment

ANSWER_SECONDS = 30.0  # For a process that waits for the processor, which its own limit does not count.
START_SECONDS = 30.0  # A busy machine may take long to start an interpreter.
MAX_ANSWER_BYTES = 3 * 2048**2  # The pixels of the largest square that anybody asks for; 12 MB of tensors.

NO_START = "The process that decodes pictures does not start."

Made = TypeVar("Made")
# Makes what was asked for of a process's answer and the bytes behind it.
Reader = Callable[[dict[str, Any], bytes], Made]


class Lost(Exception):
    """A process that ended, not by its own limits."""


class Worker:
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

    def ask(self, asked: dict[str, Any], content: bytes, read: Reader[Made]) -> Made | str:
        """Have a file read; give what is made of the answer, or why the file cannot be used.

        Raises TimeoutError when the process takes too long, EOFError, OSError or Lost when it is dead.
        """
        self._await_start()
        self._connection.send_bytes(json.dumps(asked).encode())
        self._connection.send_bytes(content)
        answer = json.loads(self._receive(ANSWER_SECONDS))
        if "error" in answer:
            return str(answer["error"])
        return read(answer, self._receive(ANSWER_SECONDS))

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
            raise Lost(NO_START) from error
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
