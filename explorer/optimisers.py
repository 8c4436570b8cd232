"""Descent: drives torch's optimisers one iterate at a time and counts true evaluations.

`torch.optim.LBFGS` with one iteration a call evaluates its starting point again; a memory of the points just
visited answers that, so a strong-Wolfe iteration costs about one evaluation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.images import Images
from explorer.settings import Settings

LINE_SEARCH_EVALUATIONS = 20


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The objective at one point: losses, gradient and image belong to the same parameters."""

    parameters: Float[Tensor, "batch ..."]
    gradient: Float[Tensor, "batch ..."]
    images: Images
    losses: dict[str, float]

    @property
    def total(self) -> float:
        """The number that is minimised."""
        return self.losses["total"]


class Descent:
    """A minimisation that stands at an iterate and moves to the next on demand."""

    def __init__(
        self,
        evaluate: Callable[[Tensor], Evaluation],
        parameters: Float[Tensor, "batch ..."],
        settings: Settings,
    ) -> None:
        self.evaluations = 0
        self._evaluate = evaluate
        self._parameters = parameters.clone().requires_grad_()
        self._settings = settings
        self._optimiser = _optimiser(self._parameters, settings)
        self._known: list[Evaluation] = []
        self.iterate = self._here()

    def advance(self, budget: int) -> Evaluation:
        """Move to the next iterate in at most `budget` (at least 1) evaluations and return it.

        The iterate stays where it is when nothing better was found.
        """
        self._known = [self.iterate]
        if isinstance(self._optimiser, torch.optim.LBFGS):
            self._limit(self._optimiser.param_groups[0], budget)
        self._optimiser.step(self._closure)
        self.iterate = self._here()
        return self.iterate

    def _limit(self, group: dict[str, object], budget: int) -> None:
        group["max_eval"] = min(budget, LINE_SEARCH_EVALUATIONS)
        is_first = not self._optimiser.state
        # Torch divides the first step by the gradient's L1 norm; this makes it a mean size per parameter.
        first = self._settings.first_step * self._parameters.numel()
        group["lr"] = first if is_first else self._settings.learning_rate

    def _closure(self) -> float:
        evaluation = self._here()
        self._parameters.grad = evaluation.gradient
        return evaluation.total

    def _here(self) -> Evaluation:
        for evaluation in self._known:
            if torch.equal(evaluation.parameters, self._parameters):
                return evaluation
        self.evaluations += 1
        self._known.append(self._evaluate(self._parameters.detach().clone()))
        return self._known[-1]


def _optimiser(parameters: Tensor, settings: Settings) -> torch.optim.Optimizer:
    if settings.optimiser == "adam":
        return torch.optim.Adam([parameters], lr=settings.learning_rate)
    return torch.optim.LBFGS(
        [parameters],
        max_iter=1,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=settings.history,
        line_search_fn="strong_wolfe" if settings.line_search else None,
    )
