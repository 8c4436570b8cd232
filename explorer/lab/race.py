"""A race: several layers of one picture inverted side by side, shown as plain, picklable frames."""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Literal

from explorer.images import Images, encode_jpeg
from explorer.inversion.invert import Diverged, Step
from explorer.lab.run import Reconstruction, Record, divergence_notice, record

State = Literal["running", "stopped", "finished", "diverged"]

# Four frames a second look alive; asking for a little more leaves room for a deep layer's long step.
FRAMES_PER_SECOND = 4.5
JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Panel:
    """One layer as it stands; `jpeg` is None when the picture is the one of the frame before."""

    step: int
    evaluations: int
    seconds: float
    losses: dict[str, float]
    psnr_db: float
    jpeg: bytes | None
    state: State
    notice: str | None


@dataclass(frozen=True, slots=True)
class Frame:
    """The whole race at one moment: plain data only. `seconds` is the time the race has run."""

    seconds: float
    panels: dict[str, Panel]


class Race:
    """Advance several inversions fairly: the layer with the least own compute time goes next.

    `frames` may be closed, or ended by `stop`, and called again: the race goes on where it was.
    """

    def __init__(
        self,
        steps: Mapping[str, Generator[Step, None, None]],
        original: Images,
        *,
        method: str,
        frames_per_second: float = FRAMES_PER_SECOND,
    ) -> None:
        self.method = method
        self._lanes = {layer: _Lane(generator, original) for layer, generator in steps.items()}
        self._interval = 1.0 / frames_per_second
        self._seconds = 0.0
        self._is_stopping = Event()

    def frames(self, seconds: float | None = None) -> Generator[Frame, None, None]:
        """Yield frames on the wall clock, first and last always, for at most `seconds` of this call."""
        if self._has_begun():
            self._is_stopping.clear()  # A stop from before the first step still counts.
        for lane in self._lanes.values():
            lane.resume()
        started = time.perf_counter() - self._seconds
        limit = float("inf") if seconds is None else self._seconds + seconds
        due = self._seconds
        try:
            while (lane := self._next_lane()) and self._seconds < limit and not self._must_stop():
                lane.advance()
                self._seconds = time.perf_counter() - started
                if self._seconds >= due and all(lane.has_step for lane in self._lanes.values()):
                    due = max(due + self._interval, self._seconds)
                    yield self._frame()
        finally:
            for lane in self._lanes.values():
                lane.stop()
        yield self._frame()

    def stop(self) -> None:
        """Ask `frames`, running or about to begin, to end after the step at hand; safe from any thread."""
        self._is_stopping.set()

    def can_resume(self) -> bool:
        """Whether some layer still has steps to go."""
        return any(lane.is_open for lane in self._lanes.values())

    def reconstructions(self) -> list[Reconstruction]:
        """Give the picture each layer has reached, with its history."""
        return [
            lane.reconstruction(layer, self.method) for layer, lane in self._lanes.items() if lane.has_step
        ]

    def _has_begun(self) -> bool:
        return any(lane.has_step for lane in self._lanes.values())

    def _must_stop(self) -> bool:
        """Tell whether to end; even a race stopped before it began takes one step, to have a last frame."""
        return self._is_stopping.is_set() and self._has_begun()

    def _frame(self) -> Frame:
        panels = {layer: lane.panel() for layer, lane in self._lanes.items() if lane.has_step}
        return Frame(self._seconds, panels)

    def _next_lane(self) -> "_Lane | None":
        runners = [lane for lane in self._lanes.values() if lane.state == "running"]
        return min(runners, key=lambda lane: lane.seconds, default=None)


class _Lane:
    """One layer's inversion and what it has reached."""

    def __init__(self, steps: Generator[Step, None, None], original: Images) -> None:
        self.state: State = "running"
        self._steps = steps
        self._original = original
        self._last: Step | None = None
        self._latest: Record | None = None  # Of the step that is shown; after a divergence, an earlier one.
        self._notice: str | None = None
        self._history: list[Record] = []
        self._is_shown = False

    @property
    def seconds(self) -> float:
        return 0.0 if self._last is None else self._last.seconds

    @property
    def has_step(self) -> bool:
        return self._last is not None

    @property
    def is_open(self) -> bool:
        return self.state in ("running", "stopped")

    def advance(self) -> None:
        try:
            self._history.append(self._show(next(self._steps)))
        except StopIteration:
            self.state = "finished"
        except Diverged as error:
            self.state, self._notice = "diverged", divergence_notice(error.step)
            self._show(error.best)

    def stop(self) -> None:
        if self.state == "running":
            self.state = "stopped"

    def resume(self) -> None:
        if self.state == "stopped":
            self.state = "running"

    def panel(self) -> Panel:
        if self._last is None or self._latest is None:
            raise ValueError("The race has not made its first step.")
        latest = self._latest
        jpeg = None if self._is_shown else encode_jpeg(self._last.images, JPEG_QUALITY)
        self._is_shown = True
        return Panel(
            step=latest.index,
            evaluations=latest.evaluations,
            seconds=latest.seconds,
            losses=latest.losses,
            psnr_db=latest.psnr_db,
            jpeg=jpeg,
            state=self.state,
            notice=self._notice,
        )

    def reconstruction(self, layer: str, method: str) -> Reconstruction:
        if self._last is None:
            raise ValueError("The race has not made its first step.")
        step = self._last
        return Reconstruction(
            layer, method, step.images, step.evaluations, step.seconds, self._notice, tuple(self._history)
        )

    def _show(self, step: Step) -> Record:
        self._last, self._latest = step, record(step, self._original)
        self._is_shown = False
        return self._latest
