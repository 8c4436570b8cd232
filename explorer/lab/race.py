"""A race: several layers of one picture inverted side by side, shown as plain, picklable frames."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from explorer.images import Images, Pixels, to_pixels
from explorer.lab.run import Reconstruction, Record, Run, State
from explorer.lab.turns import take_turns

# Four frames a second look alive; asking for a little more leaves room for a deep layer's long step.
FRAMES_PER_SECOND = 4.5


@dataclass(frozen=True, slots=True)
class Panel:
    """One layer as it stands; `pixels` is the same object as long as the picture is the same.

    What is kept or sent has its picture in `jpeg`, once that has been encoded.
    """

    record: Record
    pixels: Pixels = field(repr=False, compare=False)
    state: State
    notice: str | None
    jpeg: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """The whole race at one moment: plain data only. `seconds` is the time the race has run.

    The last one comes again while whoever shows the race measures what it has reached, and when that is done.
    """

    seconds: float
    panels: dict[str, Panel]
    phase: Literal["running", "measuring", "done"] = field(default="running", compare=False)


@runtime_checkable
class AnyRace(Protocol):
    """What the page can show as a race, wherever it runs."""

    method: str

    def frames(self, seconds: float, is_over: Callable[[], bool]) -> Generator[Frame, None, None]:
        """Yield frames for so many seconds, or until it is over; the last one tells how the race stands."""
        ...

    def can_resume(self) -> bool:
        """Whether calling `frames` again would go on."""
        ...

    def reconstructions(self) -> list[Reconstruction]:
        """Return the picture that each layer has reached."""
        ...


class Race:
    """Advances several runs fairly, on as many workers: the layer with the least own compute goes next.

    On several workers each run computes with a fixed share of the cores, so that its steps are the same to
    the bit whatever the others do. They go on computing while whoever reads the frames is busy with one.

    `frames` may be closed, or ended by its seconds or by `is_over`, and called again: the race goes on where
    it was. So several races share one machine in slices: `frames(seconds)` of each in turn.
    """

    def __init__(self, runs: Mapping[str, Run], *, method: str, workers: int = 1) -> None:
        self.method = method
        self._workers = workers
        self._runs = dict(runs)
        self._pixels: dict[str, tuple[Images, Pixels]] = {}
        self._seconds = 0.0

    def frames(
        self, seconds: float | None = None, is_over: Callable[[], bool] = lambda: False
    ) -> Generator[Frame, None, None]:
        """Yield frames on the wall clock, first and last always, for at most `seconds` of this call.

        `is_over` is asked after every step, by any thread, whether this call should end before.
        """
        for run in self._runs.values():
            run.resume()
        started = time.perf_counter() - self._seconds
        limit = float("inf") if seconds is None else self._seconds + seconds

        def is_due() -> bool:
            # Asked after a step: even a race stopped before it began has taken one, to have a last frame.
            return is_over() or time.perf_counter() - started >= limit

        due = self._seconds
        try:
            with closing(take_turns(self._runs.values(), workers=self._workers, is_over=is_due)) as turns:
                for _ in turns:
                    self._seconds = time.perf_counter() - started
                    if self._seconds >= due and all(run.has_begun for run in self._runs.values()):
                        due = max(due + 1 / FRAMES_PER_SECOND, self._seconds)
                        yield self._frame()
        finally:
            for run in self._runs.values():
                run.stop()
        yield self._frame()

    def can_resume(self) -> bool:
        """Whether some layer still has steps to go."""
        return not all(run.has_ended for run in self._runs.values())

    def reconstructions(self) -> list[Reconstruction]:
        """Return the picture that each layer has reached, with its history."""
        return [run.reconstruction() for run in self._runs.values() if run.has_begun]

    def _frame(self) -> Frame:
        panels = {layer: self._panel(run) for layer, run in self._runs.items() if run.has_begun}
        return Frame(self._seconds, panels)

    def _panel(self, run: Run) -> Panel:
        step, record = run.reached
        images, pixels = self._pixels.get(run.layer, (None, None))
        if pixels is None or images is not step.images:
            pixels = to_pixels(step.images)
            self._pixels[run.layer] = step.images, pixels
        return Panel(record, pixels, run.state, run.notice)
