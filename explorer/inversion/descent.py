"""Descent: drives torch's optimisers one iterate at a time and counts true evaluations.

`torch.optim.LBFGS` with one iteration a call evaluates its starting point again; a memory of the points just
visited answers that, so a strong-Wolfe iteration costs about one evaluation.
"""

from collections.abc import Callable

import torch

from explorer.inversion.objective import Evaluation
from explorer.inversion.parameterisations import Parameters

# A line search that has found nothing by then rarely does; good ones take one or two.
LINE_SEARCH_EVALUATIONS = 10
# How much smaller the first step is after a restart, which happens near a minimum.
RESTART_FACTOR = 0.1


class Descent:
    """A minimisation that stands at an iterate and moves to the next on demand."""

    def __init__(
        self,
        evaluate: Callable[[Parameters], Evaluation],
        parameters: Parameters,
        make_optimiser: Callable[[Parameters], torch.optim.Optimizer],
        first_step: float,
    ) -> None:
        """Evaluate the first iterate; `first_step` is the mean size of L-BFGS's first move of a parameter."""
        self.evaluations = 0
        self._evaluate = evaluate
        self._parameters = parameters.clone().requires_grad_()
        self._make_optimiser = make_optimiser
        self._optimiser = make_optimiser(self._parameters)
        self._learning_rate = self._optimiser.param_groups[0]["lr"]
        self._known: list[Evaluation] = []
        self._first_step = first_step
        self._is_fresh = True  # The optimiser has seen one point only.
        self.is_stuck = False
        self.iterate = self._here()

    def advance(self, budget: int) -> Evaluation:
        """Move to the next iterate in at most `budget` (at least 1) evaluations and return it.

        Where a line search finds nothing better, the iterate stays and the next begins without memory of the
        curvature, which may mislead; if that finds nothing either, the descent is stuck.
        """
        before = self.iterate
        self._known = [self.iterate]
        if isinstance(self._optimiser, torch.optim.LBFGS):
            self._limit(self._optimiser.param_groups[0], budget)
        self._optimiser.step(self._closure)
        self.iterate = self._here()
        if self.iterate is before:
            self.is_stuck = self._is_fresh
            self._first_step *= RESTART_FACTOR
            self._optimiser = self._make_optimiser(self._parameters)
        self._is_fresh = self.iterate is before
        return self.iterate

    def go_on_with(self, evaluate: Callable[[Parameters], Evaluation]) -> None:
        """Go on from where this descent stands, by another evaluation of the same objective."""
        self._evaluate, self._known = evaluate, []
        self._optimiser = self._make_optimiser(self._parameters)
        self._is_fresh, self.is_stuck = True, False
        self.iterate = self._here()

    def _limit(self, group: dict[str, object], budget: int) -> None:
        group["max_eval"] = min(budget, LINE_SEARCH_EVALUATIONS)
        # Torch divides the first step by the gradient's L1 norm; this makes it a mean size per parameter.
        first = self._first_step * self._parameters.numel()
        group["lr"] = first if self._is_fresh else self._learning_rate

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


def make_adam(parameters: Parameters, learning_rate: float) -> torch.optim.Adam:
    """Make Adam for one tensor of parameters."""
    return torch.optim.Adam([parameters], lr=learning_rate)


def make_lbfgs(
    parameters: Parameters, learning_rate: float, history: int, *, line_search: bool
) -> torch.optim.LBFGS:
    """Make an L-BFGS that moves once a call, with a strong-Wolfe line search or without."""
    return torch.optim.LBFGS(
        [parameters],
        lr=learning_rate,
        max_iter=1,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=history,
        line_search_fn="strong_wolfe" if line_search else None,
    )
