"""Inversion: `invert()` searches a picture by its features, as a generator of Steps."""

import math
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from itertools import count

import torch

from explorer.features.trunk import Trunk
from explorer.images import Images
from explorer.inversion.descent import CoarseToFine
from explorer.inversion.objective import Features, Objective
from explorer.inversion.parameterisations import GREY, Parameterisation, Parameters, make_parameterisation
from explorer.inversion.settings import Settings, SettingsError, load_settings

__all__ = ["Clock", "Diverged", "Settings", "SettingsError", "Step", "invert", "load_settings"]


@dataclass(frozen=True, slots=True)
class Step:
    """One iterate: its picture and the losses of that picture.

    `losses` holds "feature" (relative squared error, mean over the nodes), each prior in use before
    weighting, and "total", which is minimised. `seconds` counts own compute only, from the start.
    `evaluations` counts passes forward and backward through the trunk so far, line search included.
    """

    index: int
    images: Images
    losses: dict[str, float]
    seconds: float
    evaluations: int


class Diverged(RuntimeError):
    """The loss was no longer a number at step `step`; `best` is the best step before."""

    def __init__(self, step: int, best: Step) -> None:
        super().__init__(f"Optimisation became unstable at step {step}.")
        self.step = step
        self.best = best


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
    trunk: Trunk, target: Features, settings: Settings, *, start: Images | None = None
) -> Generator[Step, None, None]:
    """Search a picture with the target features, yielding every iterate, the start first.

    Args:
        trunk: Built for the nodes in `target`; with BatchNorm inputs if that prior has a weight.
        target: Features by node, of one picture or of a batch (then one joint problem with one step size).
        settings: Budgets count evaluations of trunk forward + backward, line search included.
        start: The first iterate if `settings.start` is "image", and what the closeness prior refers to.

    Raises:
        SettingsError: a setting asks for what trunk or start cannot give.
        Diverged: the loss became NaN or infinite.
    """
    clock = Clock()
    parameterisation, parameters = _start(target, settings, start)
    objective = Objective(trunk, target, settings, start)
    search = CoarseToFine(objective, parameterisation, parameters, settings)
    budget = _Budget(settings)
    best = None
    for index in count():
        iterate = search.iterate
        step = Step(index, iterate.images, iterate.losses, clock.seconds(), search.evaluations)
        best = step if best is None or iterate.total < best.losses["total"] else best
        if not math.isfinite(iterate.total):
            raise Diverged(index, best)
        clock.pause()
        yield step
        clock.resume()
        if search.is_stuck or budget.is_spent(step):
            return
        search.advance(budget.evaluations_left(step))


def _start(target: Features, settings: Settings, start: Images | None) -> tuple[Parameterisation, Parameters]:
    """Make the parameterisation and the parameters of the start picture, of grey, or of noise."""
    device, batch = next((wanted.device, wanted.shape[0]) for wanted in target.values())
    if settings.start == "image" and start is None:
        raise SettingsError("start=image needs a start picture.")
    size = settings.size
    images = torch.full((batch, 3, size, size), GREY, device=device) if start is None else start
    height, width = images.shape[2:]
    parameterisation = make_parameterisation(settings, height, width, device)
    if settings.start == "image":
        return parameterisation, parameterisation.encode(images)
    parameters = torch.zeros_like(parameterisation.encode(images))  # Mid-grey in every parameterisation.
    if settings.start == "noise":
        generator = torch.Generator().manual_seed(settings.seed)
        noise = torch.randn(parameters.shape, generator=generator)
        parameters += settings.noise * noise.to(device)
    return parameterisation, parameters


class _Budget:
    """Says when to stop: evaluations, seconds, or patience, whichever ends first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lowest = math.inf
        self._stale_steps = 0

    def is_spent(self, step: Step) -> bool:
        """Tell whether this step, each being shown once, is the last."""
        settings, total = self._settings, step.losses["total"]
        is_gain = total < self._lowest * (1 - settings.tolerance)
        self._stale_steps = 0 if is_gain else self._stale_steps + 1
        self._lowest = min(total, self._lowest)
        return (
            self.evaluations_left(step) <= 0
            or (settings.seconds is not None and step.seconds >= settings.seconds)
            or (settings.patience is not None and self._stale_steps >= settings.patience)
        )

    def evaluations_left(self, step: Step) -> int:
        """Return how many evaluations the next iterate may cost."""
        return sys.maxsize if self._settings.steps is None else self._settings.steps - step.evaluations
