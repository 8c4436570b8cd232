"""The line before the one compute slot: who waits, in order, so that each visitor can be told the place.

Gradio's queue decides who runs; it tells a page nothing that could be shown in words, so the line follows it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class RunQueue:
    """Visitors who want to run, by session; safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._is_taken = False
        self._lock = Lock()

    def join(self, who: str) -> None:
        """Queue up, once."""
        with self._lock:
            if who not in self._waiting:
                self._waiting.append(who)

    def leave(self, who: str) -> None:
        """Want no longer to run."""
        with self._lock:
            if who in self._waiting:
                self._waiting.remove(who)

    def before(self, who: str) -> int | None:
        """Count the runs before one's own; None for who does not wait."""
        with self._lock:
            return self._waiting.index(who) + self._is_taken if who in self._waiting else None

    def is_waiting(self, who: str) -> bool:
        """Whether this visitor still wants to run."""
        return self.before(who) is not None

    @contextmanager
    def turn(self, who: str) -> Iterator[bool]:
        """Hold the slot, and give whether this visitor had been waiting for it to the end."""
        was_waiting = self.is_waiting(who)
        self.leave(who)
        self._is_taken = True
        try:
            yield was_waiting
        finally:
            self._is_taken = False


def describe_place(before: int | None) -> str:
    """Tell a visitor the place in the line."""
    if not before:
        return ""
    runs = "One run is" if before == 1 else f"{before} runs are"
    return f"{runs} before yours, which then starts by itself."
