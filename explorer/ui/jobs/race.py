"""A race as a job of the queue: set up on its first turn, then advanced in slices until its time is up."""

from collections.abc import Callable, Iterator
from contextlib import closing

from explorer.lab.race import AnyRace, Frame
from explorer.ui.jobs.interruptible import Interruptible

# The share of the planned work after which the time it took tells how long the rest will take.
TELLING_SHARE = 0.02


class RaceJob(Interruptible):
    """Advances a race; `stop` and `pause` may come from any thread, also before the race exists."""

    def __init__(self, set_up: Callable[[], AnyRace], evaluations: int, seconds: float) -> None:
        super().__init__()
        self.race: AnyRace | None = None
        self._set_up = set_up
        self._evaluations = evaluations  # Of all layers together, at most.
        self._limit_seconds = seconds
        self._frame: Frame | None = None

    @property
    def can_resume(self) -> bool:
        """Whether some layer still has steps to go."""
        return self.race is not None and self.race.can_resume()

    def resume(self, seconds: float) -> None:
        """Let a job that is over go on for so many more seconds."""
        self._stopping.clear()
        self._limit_seconds = self._spent_seconds + seconds
        self.is_over = False

    def advance(self, seconds: float) -> Iterator[Frame]:
        """Yield the frames of one slice; the last one of the job says how each layer ended."""
        self._pausing.clear()
        if self.race is None:
            if self.is_stopping:
                self.is_over = True
                return
            self.race = self._set_up()
        left = self._limit_seconds - self._spent_seconds
        is_whole = not self.race.can_resume()  # On a lent GPU, where a race runs once from start to end.

        def is_over() -> bool:
            return self.is_stopping or (self.is_pausing and not is_whole)

        with closing(self.race.frames(left if is_whole else min(seconds, left), is_over)) as frames:
            for frame in frames:
                self._frame = frame
                has_time = self._spent_seconds < self._limit_seconds
                self.is_over = self.is_stopping or not has_time or not self.race.can_resume()
                yield frame

    def seconds_left(self) -> float | None:
        """Estimate the race's time from here by the pace so far; None before there is one."""
        if self._frame is None:
            return None
        left = max(self._limit_seconds - self._spent_seconds, 0.0)
        share = sum(panel.record.evaluations for panel in self._frame.panels.values()) / self._evaluations
        if share < TELLING_SHARE:
            return left
        return min(left, self._spent_seconds * (1 / share - 1))

    @property
    def _spent_seconds(self) -> float:
        return 0.0 if self._frame is None else self._frame.seconds
