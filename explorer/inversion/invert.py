"""Inversion: `invert()` searches a picture by its features, as a generator of Steps."""

import math
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

import torch

from explorer.features.trunk import Trunk
from explorer.images import SIZE, Images
from explorer.inversion.descent import Descent, make_adam, make_lbfgs
from explorer.inversion.objective import Evaluation, Features, Objective
from explorer.inversion.parameterisations import GREY, PARAMETERISATIONS, Parameterisation, Parameters
from explorer.inversion.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Step:
    """One iterate: its picture and the losses of that picture.

    `losses` holds "feature" (relative squared error, mean over the nodes), each prior in use before
    weighting, and "total", which is minimised. `seconds` counts own compute only, from the start.
    `evaluations` counts passes forward and backward through the trunk so far, line search included.
    `notice` is there on the last step of a diverged inversion alone, which is the best one again. `remark`
    says how this step was computed otherwise than the first.
    """

    index: int
    images: Images
    losses: dict[str, float]
    seconds: float
    evaluations: int
    notice: str | None = None
    remark: str | None = None


Steps = Generator[Step, None, None]


class Clock:
    """Counts the seconds of compute since its making, but for pauses."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._paused_at = self._started

    def seconds(self) -> float:
        """Return the seconds that ran so far."""
        return time.perf_counter() - self._started

    def pause(self) -> None:
        """Stop counting."""
        self._paused_at = time.perf_counter()

    def resume(self) -> None:
        """Go on counting."""
        self._started += time.perf_counter() - self._paused_at


def invert(
    trunk: Trunk,
    target: Features,
    settings: Settings,
    *,
    start: Images | None = None,
    size: tuple[int, int] = (SIZE, SIZE),
) -> Steps:
    """Search a picture with the target features, yielding every iterate, the start first.

    Where the loss is no number any more, the best step comes once more, with a notice, and is the last. Where
    bfloat16 lets nothing better be found, the search goes on in float32, and a remark says so.

    Args:
        trunk: Built for the nodes in `target`; with BatchNorm inputs if that prior has a weight.
        target: Features by node, of one picture or of a batch (then one joint problem with one step size).
        settings: Budgets count evaluations of trunk forward + backward, line search included.
        start: The first iterate if `settings.start` is "image", and what the closeness prior refers to.
        size: Height and width of the pictures searched, where no start has them.

    Raises:
        SettingsError: a setting asks for what trunk or start cannot give.
    """
    clock = Clock()
    parameterisation, parameters = _start(target, settings, start, size)

    def evaluate_in(dtype: torch.dtype) -> Callable[[Parameters], Evaluation]:
        chosen = {"direction": settings.direction, "priors": settings.priors, "start": start}
        objective = Objective(trunk.cast(dtype), target, **chosen)
        return partial(objective.evaluate, parameterisation=parameterisation)

    dtype = settings.dtype_on(parameters.device)
    descent = Descent(evaluate_in(dtype), parameters, _choose_optimiser(settings), settings.first_step)
    budget = _Budget(settings.evaluations, settings.seconds, settings.patience, settings.tolerance)
    exactly = partial(evaluate_in, torch.float32) if dtype == torch.bfloat16 else None
    yield from _walk(descent, budget, clock, exactly)


def describe_divergence(index: int) -> str:
    """Say what happened when a loss became infinite or not a number."""
    return f"Optimisation became unstable at step {index}; showing the best frame."


def describe_change(index: int) -> str:
    """Say that the rest of an inversion was computed in float32."""
    return f"In bfloat16 nothing better was found at step {index}; went on in float32."


def _walk(
    descent: Descent,
    budget: "_Budget",
    clock: Clock,
    exactly: Callable[[], Callable[[Parameters], Evaluation]] | None,
) -> Steps:
    """Yield every iterate until the budget is spent, nothing better is found, or the loss is no number.

    Where nothing better is found `exactly` gives, once, the evaluation to go on with.
    """
    best = remark = None
    for index in count():
        iterate = descent.iterate
        step = Step(index, iterate.images, iterate.losses, clock.seconds(), descent.evaluations, None, remark)
        best = step if best is None or iterate.total < best.losses["total"] else best
        if not math.isfinite(iterate.total):
            yield replace(best, notice=describe_divergence(index))
            return
        clock.pause()
        yield step
        clock.resume()
        if budget.is_spent(step) or (descent.is_stuck and exactly is None):
            return
        if descent.is_stuck and exactly is not None:
            descent.go_on_with(exactly())
            budget.forget()
            best, exactly, remark = None, None, describe_change(index)
        else:
            descent.advance(budget.evaluations_left(step))


def _start(
    target: Features, settings: Settings, start: Images | None, size: tuple[int, int]
) -> tuple[Parameterisation, Parameters]:
    """Make the parameterisation and the parameters of the start picture, of grey, or of noise."""
    device, batch = next((wanted.device, wanted.shape[0]) for wanted in target.values())
    if settings.start == "image" and start is None:
        raise SettingsError("start=image needs a start picture.")
    images = torch.full((batch, 3, *size), GREY, device=device) if start is None else start
    height, width = images.shape[2:]
    parameterisation = PARAMETERISATIONS[settings.parameterisation](height, width, settings.decay, device)
    if settings.start == "image":
        return parameterisation, parameterisation.encode(images)
    parameters = torch.zeros_like(parameterisation.encode(images))  # Mid-grey in every parameterisation.
    if settings.start == "noise":
        generator = torch.Generator().manual_seed(settings.seed)
        noise = torch.randn(parameters.shape, generator=generator)
        parameters += settings.noise * noise.to(device)
    return parameterisation, parameters


def _choose_optimiser(settings: Settings) -> Callable[[Parameters], torch.optim.Optimizer]:
    rate = settings.learning_rate
    if settings.optimiser == "adam":
        return partial(make_adam, learning_rate=rate)
    return partial(make_lbfgs, learning_rate=rate, history=settings.history, line_search=settings.line_search)


@dataclass(slots=True)
class _Budget:
    """Says when to stop: evaluations, seconds, or patience, whichever ends first."""

    evaluations: int | None
    seconds: float | None
    patience: int | None
    tolerance: float
    lowest: float = math.inf
    stale_steps: int = 0

    def is_spent(self, step: Step) -> bool:
        """Count the step, each being counted once, and tell whether it is the last."""
        total = step.losses["total"]
        self.stale_steps = 0 if total < self.lowest * (1 - self.tolerance) else self.stale_steps + 1
        self.lowest = min(total, self.lowest)
        return (
            self.evaluations_left(step) <= 0
            or (self.seconds is not None and step.seconds >= self.seconds)
            or (self.patience is not None and self.stale_steps >= self.patience)
        )

    def forget(self) -> None:
        """Compare with no step before: those to come have losses of another exactness."""
        self.lowest, self.stale_steps = math.inf, 0

    def evaluations_left(self, step: Step) -> int:
        """Return how many evaluations the next iterate may cost."""
        return sys.maxsize if self.evaluations is None else self.evaluations - step.evaluations
