"""An experiment as a job of the queue: one result after another, in slices."""

import gc
import time
from collections.abc import Callable, Generator, Iterator

from explorer.device import return_freed_memory
from explorer.experiments.experiment import Result
from explorer.ui.jobs.interruptible import Interruptible

TELL_SECONDS = 0.3  # A search has more steps than anybody wants to be shown.


class ExperimentJob(Interruptible):
    """Follows an experiment to its end, or until its time is up, and yields every result so far."""

    def __init__(self, begin: Callable[[], Generator[Result, None, None]], max_seconds: float) -> None:
        super().__init__()
        self._begin, self._max_seconds = begin, max_seconds
        self._results: Generator[Result, None, None] | None = None
        self._seconds = self._progress = self._told = 0.0

    @property
    def has_run_out(self) -> bool:
        """Whether its time was up before its end, and nobody stopped it."""
        return self._seconds >= self._max_seconds and self._progress < 1 and not self.is_stopping

    def seconds_left(self) -> float | None:
        """Estimate the time from here by the progress so far; None before there is any."""
        return self._seconds * (1 / self._progress - 1) if self._progress else None

    def advance(self, seconds: float) -> Iterator[Result]:
        """Work for one slice."""
        self._pausing.clear()
        self._results = self._results or self._begin()
        began = last = time.monotonic()
        for result in self._results:
            now = time.monotonic()
            self._seconds, last = self._seconds + now - last, now
            self._progress = result.progress
            self.is_over = result.progress >= 1 or self.is_stopping or self._seconds >= self._max_seconds
            is_slice_over = self.is_over or now - began >= seconds or self.is_pausing
            if is_slice_over or now - self._told >= TELL_SECONDS:
                self._told = now
                yield result
            if self.is_over:
                self._results.close()
                gc.collect()  # A network's parts hang together in circles.
                return_freed_memory()
            if is_slice_over:
                return
        self.is_over = True
