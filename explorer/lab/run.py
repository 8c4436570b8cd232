"""What a run leaves behind: the history of its steps and the picture it ended with."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from explorer.images import Images
from explorer.inversion.invert import Diverged, Step
from explorer.metrics.functional import psnr


@dataclass(frozen=True, slots=True)
class Record:
    """The numbers of one step; its loss and PSNR belong to the same iterate."""

    index: int
    evaluations: int
    seconds: float
    losses: dict[str, float]
    psnr_db: float


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """One layer of one picture brought back by one method; `steps` counts trunk evaluations."""

    layer: str
    method: str
    images: Images
    steps: int
    seconds: float
    notice: str | None = None
    history: tuple[Record, ...] = ()


def record(step: Step, original: Images) -> Record:
    """Measure one step against the original picture, which the optimiser itself never sees."""
    return Record(
        index=step.index,
        evaluations=step.evaluations,
        seconds=step.seconds,
        losses=dict(step.losses),
        psnr_db=float(psnr(step.images, original).mean()),
    )


def divergence_notice(index: int) -> str:
    """Say what happened when a loss became infinite or not a number."""
    return f"Optimisation became unstable at step {index}; showing the best frame."


def follow(
    steps: Iterator[Step], original: Images, *, layer: str, method: str, notice: str | None = None
) -> Generator[Step, None, Reconstruction]:
    """Pass the steps on to the caller and return what they lead to.

    A run that diverges ends with its best step and a notice instead of an exception.
    """
    history: list[Record] = []
    last: Step | None = None
    try:
        for last in steps:
            history.append(record(last, original))
            yield last
    except Diverged as error:
        last = error.best
        notice = divergence_notice(error.step)
    if last is None:
        raise ValueError("The optimiser ended before its first step.")
    return Reconstruction(layer, method, last.images, last.evaluations, last.seconds, notice, tuple(history))


def finish(run: Generator[Step, None, Reconstruction]) -> Reconstruction:
    """Take all steps of a run at once and give what they lead to."""
    while True:
        try:
            next(run)
        except StopIteration as end:
            return end.value
