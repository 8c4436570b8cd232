"""A run: one layer of one picture being inverted."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from explorer.images import Images
from explorer.inversion.invert import Step, Steps
from explorer.metrics.functional import psnr

State = Literal["running", "stopped", "finished", "diverged"]


@dataclass(frozen=True, slots=True)
class Record:
    """The numbers of one step; its loss and PSNR belong to the same iterate.

    Where there is no original picture, PSNR is not a number.
    """

    step: int
    evaluations: int
    seconds: float
    losses: dict[str, float]
    psnr_db: float


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """One layer of one picture brought back by one method; `evaluations` are those of the trunk."""

    layer: str
    method: str
    images: Images
    evaluations: int
    seconds: float
    notice: str | None = None
    history: tuple[Record, ...] = ()


class Run:
    """An inversion under way: iterate it to its end, or `advance` it step by step.

    Its seconds are own compute alone: those of the steps, and `seconds_before` for what came before them. A
    diverged inversion ends with its best step, which the history already holds, and a notice.
    """

    def __init__(
        self,
        steps: Steps,
        original: Images | None,
        *,
        layer: str,
        method: str,
        notice: str | None = None,
        seconds_before: float = 0.0,
    ) -> None:
        self.layer = layer
        self.method = method
        self.state: State = "running"
        self._steps = steps
        self._original = original
        self._notice = notice
        self._seconds_before = seconds_before
        self._history: list[Record] = []
        # One tuple, so that another thread never sees a step with the record of another.
        self._reached: tuple[Step, Record] | None = None

    def __iter__(self) -> Iterator[Step]:
        """Advance to the end, yielding every step."""
        while (step := self.advance()) is not None:
            yield step

    def advance(self) -> Step | None:
        """Take the next step and return it, or None where there is none any more."""
        step = None if self.has_ended else next(self._steps, None)
        if step is None:
            self.state = self.state if self.has_ended else "finished"
            return None
        step = replace(step, seconds=self._seconds_before + step.seconds)
        record = measure(step, self._original)
        if step.notice is None:
            self._history.append(record)
        else:
            self.state = "diverged"
        self._reached = step, record
        return step

    def stop(self) -> None:
        """Let the scheduler pass this run over, unless it has ended."""
        self.state = self.state if self.has_ended else "stopped"

    def resume(self) -> None:
        """Let the scheduler advance this run again, unless it has ended."""
        self.state = self.state if self.has_ended else "running"

    @property
    def has_begun(self) -> bool:
        """Whether a step has been taken."""
        return self._reached is not None

    @property
    def has_ended(self) -> bool:
        """Whether no step can follow."""
        return self.state in ("finished", "diverged")

    @property
    def seconds(self) -> float:
        """Own compute so far."""
        return self._reached[0].seconds if self._reached else self._seconds_before

    @property
    def notice(self) -> str | None:
        """What the user should know about this run."""
        said = (self._reached[0].notice or self._reached[0].remark) if self._reached else None
        return said or self._notice

    @property
    def latest(self) -> Step:
        """The step the run stands at. Raises ValueError before the first."""
        return self.reached[0]

    @property
    def reached(self) -> tuple[Step, Record]:
        """The step the run stands at and its numbers. Raises ValueError before the first."""
        if self._reached is None:
            raise ValueError("The run has not taken its first step.")
        return self._reached

    @property
    def history(self) -> tuple[Record, ...]:
        """The numbers of all steps so far."""
        return tuple(self._history)

    def reconstruction(self) -> Reconstruction:
        """Return the picture that the run has reached. Raises ValueError before the first step."""
        step = self.latest
        return Reconstruction(
            self.layer, self.method, step.images, step.evaluations, step.seconds, self.notice, self.history
        )


def measure(step: Step, original: Images | None) -> Record:
    """Measure one step against the original picture, which the optimiser never sees, if there is one."""
    return Record(
        step=step.index,
        evaluations=step.evaluations,
        seconds=step.seconds,
        losses=dict(step.losses),
        psnr_db=math.nan if original is None else float(psnr(step.images, original).mean()),
    )
