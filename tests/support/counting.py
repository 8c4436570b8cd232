"""A job of the queue that counts."""

import time
from collections.abc import Iterator
from threading import Event

STEP_SECONDS = 0.005


class Counting:
    """Counts its steps up to a number, a few milliseconds each, and notes each step in a common log."""

    def __init__(self, name: str, log: list[str], steps: int = 10**9) -> None:
        self.is_over = False
        self.is_stopping = False
        self._name, self._log, self._left = name, log, steps
        self._pause = Event()

    def advance(self, seconds: float) -> Iterator[str]:
        self._pause.clear()
        until = time.monotonic() + seconds
        while self._left and not self.is_stopping:
            self._left -= 1
            time.sleep(STEP_SECONDS)
            self._log.append(self._name)
            yield f"{self._name} {self._left}"
            if time.monotonic() >= until or self._pause.is_set():
                return
        self.is_over = True

    def pause(self) -> None:
        self._pause.set()

    def stop(self) -> None:
        self.is_stopping = True

    def seconds_left(self) -> float | None:
        return self._left * STEP_SECONDS
