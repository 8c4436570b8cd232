"""Inversion: the objective (relative feature error plus priors) and `invert()`, a generator of Steps."""

import math
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.features import Trunk
from explorer.images import Images
from explorer.optimisers import Descent, Evaluation
from explorer.parameterisations import GREY, Fourier, Parameterisation, Pixels
from explorer.priors import alpha_norm, batchnorm_distance, closeness, total_variation
from explorer.settings import Settings, SettingsError, load_settings, make_settings

__all__ = ["Diverged", "Settings", "SettingsError", "Step", "invert", "load_settings", "make_settings"]

Features = Mapping[str, Float[Tensor, "batch ..."]]


@dataclass(frozen=True, slots=True)
class Step:
    """One iterate: its picture and the losses of that picture.

    `losses` holds "feature" (mean over the nodes of the relative squared error), each prior in use before
    weighting, and "total", which is minimised. `seconds` counts own compute only, from the start.
    """

    index: int
    images: Images
    losses: dict[str, float]
    seconds: float
    evaluations: int


class Diverged(RuntimeError):  # noqa: N818 (it names an outcome, not a mistake)
    """The loss was no longer a number at step `step`; `best` is the best step before."""

    def __init__(self, step: int, best: Step) -> None:
        super().__init__(f"Optimisation became unstable at step {step}.")
        self.step = step
        self.best = best


def invert(
    trunk: Trunk, target: Features, settings: Settings, *, start: Images | None = None
) -> Generator[Step, None, None]:
    """Search a picture with the target features, yielding every iterate, the start first.

    Args:
        trunk: Built for the nodes in `target`; with BatchNorm inputs if that prior has a weight.
        target: Features by node, of one picture or a batch (then one joint problem with a shared step size).
        settings: Budgets count evaluations of trunk forward + backward, line search included.
        start: The first iterate if `settings.start` is "image", and what closeness refers to.

    Raises:
        SettingsError: a setting asks for what trunk or start cannot give.
        Diverged: the loss became NaN or infinite.
    """
    started = time.perf_counter()
    problem = _Problem(trunk, target, settings, start)
    descent = Descent(problem.evaluate, problem.first_parameters(), settings)
    stopping = _Stopping(settings)
    paused = 0.0
    best = None
    for index in count():
        step = Step(
            index,
            descent.iterate.images,
            descent.iterate.losses,
            time.perf_counter() - started - paused,
            descent.evaluations,
        )
        best = _better(best, step)
        if not math.isfinite(step.losses["total"]):
            raise Diverged(index, best)
        left = time.perf_counter()
        yield step
        paused += time.perf_counter() - left
        if stopping.is_over(step):
            return
        descent.advance(stopping.evaluations_left(step))


def _better(best: Step | None, step: Step) -> Step:
    """Return the step with the lower total; a total that is not a number never wins."""
    return step if best is None or step.losses["total"] < best.losses["total"] else best


class _Stopping:
    """Budgets: evaluations, seconds, and patience."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lowest = math.inf
        self._stale_steps = 0
        self._evaluations_before = 0

    def is_over(self, step: Step) -> bool:
        """Tell whether this step is the last."""
        total = step.losses["total"]
        is_gain = total < self._lowest * (1 - self._settings.tolerance)
        self._stale_steps = 0 if is_gain else self._stale_steps + 1
        self._lowest = min(total, self._lowest)
        return (
            self.evaluations_left(step) <= 0
            or (self._settings.seconds is not None and step.seconds >= self._settings.seconds)
            or (self._settings.patience is not None and self._stale_steps >= self._settings.patience)
        )

    def evaluations_left(self, step: Step) -> int:
        """Return the evaluations that the next iterate may cost."""
        return sys.maxsize if self._settings.steps is None else self._settings.steps - step.evaluations


class _Problem:
    """The objective as a function of the parameters, and where the search starts."""

    def __init__(self, trunk: Trunk, target: Features, settings: Settings, start: Images | None) -> None:
        if settings.start == "image" and start is None:
            raise SettingsError("start=image needs a start picture.")
        if settings.batchnorm and not trunk.batchnorms:
            raise SettingsError("the batchnorm prior needs a trunk built with batchnorm_inputs=True.")
        first = next(iter(target.values()))
        self._trunk = trunk
        self._target = {node: target[node] for node in trunk.nodes}
        self._settings = settings
        self._generator = torch.Generator().manual_seed(settings.seed)
        self._reference = self._grey(first) if start is None else start.to(first.device)
        self._parameterisation = _parameterisation(self._reference, settings)

    def first_parameters(self) -> Tensor:
        """Return the parameters of the start picture, grey or noise."""
        if self._settings.start == "image":
            return self._parameterisation.encode(self._reference)
        grey = self._parameterisation.encode(torch.full_like(self._reference, GREY))
        if self._settings.start == "grey":
            return grey
        noise = torch.randn(grey.shape, generator=self._generator)
        return grey + self._settings.noise * noise.to(grey)

    def evaluate(self, parameters: Tensor) -> Evaluation:
        """Compute losses and gradient; nothing of the graph outlives the call."""
        with torch.enable_grad():
            parameters = parameters.detach().requires_grad_()
            images = self._parameterisation.decode(parameters)
            terms = self._terms(images)
            total = terms["feature"] + sum(
                getattr(self._settings, name) * terms[name] for name in terms if name != "feature"
            )
            (gradient,) = torch.autograd.grad(total, parameters)
        losses = {name: term.item() for name, term in {**terms, "total": total}.items()}
        return Evaluation(parameters.detach(), gradient, images.detach().clamp(0, 1), losses)

    def _terms(self, images: Images) -> dict[str, Tensor]:
        settings = self._settings
        features = self._trunk(images)
        terms = {"feature": self._feature_error(features)}
        if settings.total_variation:
            terms["total_variation"] = total_variation(images).mean()
        if settings.alpha_norm:
            terms["alpha_norm"] = alpha_norm(images).mean()
        if settings.closeness:
            terms["closeness"] = closeness(images, self._reference).mean()
        if settings.batchnorm:
            terms["batchnorm"] = batchnorm_distance(features, self._trunk.batchnorms).mean()
        return terms

    def _feature_error(self, features: Features) -> Tensor:
        """Return the squared error relative to the target's square, mean over nodes and pictures."""
        errors = [
            (features[node] - wanted).square().flatten(1).sum(1) / wanted.square().flatten(1).sum(1)
            for node, wanted in self._target.items()
        ]
        return torch.stack(errors).mean()

    def _grey(self, like: Tensor) -> Images:
        size = self._settings.size
        return torch.full((like.shape[0], 3, size, size), GREY, device=like.device)


def _parameterisation(like: Images, settings: Settings) -> Parameterisation:
    if settings.parameterisation == "pixels":
        return Pixels()
    return Fourier(*like.shape[2:], decay=settings.decay, device=like.device)
