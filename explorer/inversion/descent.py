"""Descent: drives torch's optimisers one iterate at a time, counts true evaluations, refines coarse to fine.

`torch.optim.LBFGS` with one iteration a call evaluates its starting point again; a memory of the points just
visited answers that, so a strong-Wolfe iteration costs about one evaluation.
"""

from collections.abc import Callable
from functools import partial

import torch

from explorer.inversion.objective import Evaluation, Objective
from explorer.inversion.parameterisations import BandLimited, Parameterisation, Parameters
from explorer.inversion.settings import Settings

# A line search that has found nothing by then rarely does; good ones take one or two.
LINE_SEARCH_EVALUATIONS = 10
# How much smaller the first step is after a restart, which happens near a minimum.
RESTART_FACTOR = 0.1
# Highest frequency of each stage but the last, in cycles per pixel: octaves up to half the finest detail.
CUTOFFS = (1 / 16, 1 / 8, 1 / 4)


class CoarseToFine:
    """A descent by stages: each lets in higher frequencies than the one before; by default one stage."""

    def __init__(
        self,
        objective: Objective,
        parameterisation: Parameterisation,
        parameters: Parameters,
        settings: Settings,
    ) -> None:
        self._objective = objective
        self._parameterisation = parameterisation
        self._settings = settings
        self._cutoffs = [*CUTOFFS, None] if settings.coarse_to_fine else [None]
        self._evaluations_before = 0
        self._descent = self._descend(parameters)

    @property
    def iterate(self) -> Evaluation:
        """The point where the search stands."""
        return self._descent.iterate

    @property
    def evaluations(self) -> int:
        """How often the objective was evaluated, line searches included."""
        return self._evaluations_before + self._descent.evaluations

    @property
    def is_stuck(self) -> bool:
        """Whether nothing better is found from here on."""
        return self._descent.is_stuck and len(self._cutoffs) == 1

    def advance(self, budget: int) -> None:
        """Move to the next iterate in at most `budget` (at least 1) evaluations."""
        if len(self._cutoffs) > 1 and self.evaluations >= self._end_of_stage():
            self._cutoffs.pop(0)
            self._evaluations_before = self.evaluations
            self._descent = self._descend(self.iterate.parameters)
        else:
            self._descent.advance(budget)

    def _end_of_stage(self) -> float:
        """Return the evaluations after which the present stage gives way; the stages are equally long."""
        finished = len(CUTOFFS) + 2 - len(self._cutoffs)
        return (self._settings.steps or 0) * self._settings.coarse_to_fine * finished / len(CUTOFFS)

    def _descend(self, parameters: Parameters) -> "Descent":
        cutoff = self._cutoffs[0]
        parameterisation = (
            self._parameterisation if cutoff is None else BandLimited(self._parameterisation, cutoff)
        )
        evaluate = partial(self._objective.evaluate, parameterisation=parameterisation)
        return Descent(evaluate, parameters, self._settings)


class Descent:
    """A minimisation that stands at an iterate and moves to the next on demand."""

    def __init__(
        self,
        evaluate: Callable[[Parameters], Evaluation],
        parameters: Parameters,
        settings: Settings,
    ) -> None:
        self.evaluations = 0
        self._evaluate = evaluate
        self._parameters = parameters.clone().requires_grad_()
        self._settings = settings
        self._optimiser = _optimiser(self._parameters, settings)
        self._known: list[Evaluation] = []
        self._first_step = settings.first_step
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
            self._optimiser = _optimiser(self._parameters, self._settings)
        self._is_fresh = self.iterate is before
        return self.iterate

    def _limit(self, group: dict[str, object], budget: int) -> None:
        group["max_eval"] = min(budget, LINE_SEARCH_EVALUATIONS)
        # Torch divides the first step by the gradient's L1 norm; this makes it a mean size per parameter.
        first = self._first_step * self._parameters.numel()
        group["lr"] = first if self._is_fresh else self._settings.learning_rate

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


def _optimiser(parameters: Parameters, settings: Settings) -> torch.optim.Optimizer:
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
