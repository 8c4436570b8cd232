"""The objective: relative feature error plus weighted priors, as a function of an optimiser's parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.features.trunk import Trunk
from explorer.images import Images
from explorer.inversion.parameterisations import Parameterisation, Parameters
from explorer.inversion.priors import PRIORS, Evidence, closeness, inner_product, squared_distance
from explorer.inversion.settings import SettingsError

# The clamp to [0, 1] stops the gradient of pixels outside, so that something must bring them back. Results
# are the same from weight 0.1 to 1.
FIXED_WEIGHTS = {"feature": 1.0, "out_of_range": 1.0}
NEEDS = {
    "start": "a start picture",
    "batchnorms": "a trunk with BatchNorm inputs, and weights that hold their statistics",
}

Features = Mapping[str, Float[Tensor, "batch ..."]]


Weight = float | Float[Tensor, ""]  # A tensor where a graph is made of the objective, with weights as inputs.


@dataclass(frozen=True, slots=True)
class Derivative:
    """What is computed at one point, before anything is read: every term, the total last."""

    gradient: Parameters
    images: Images
    terms: dict[str, Float[Tensor, ""]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The objective at one point: losses, gradient and image belong to the same parameters."""

    parameters: Parameters
    gradient: Parameters
    images: Images
    losses: dict[str, float]

    @property
    def total(self) -> float:
        """The number that is minimised."""
        return self.losses["total"]


class Wanted:
    """A node's target features, flat, and each picture's square of them."""

    def __init__(self, features: Float[Tensor, "batch values"]) -> None:
        self.features = features
        self.square = inner_product(features, features)


class Objective:
    """Feature error relative to the target's size (Mahendran & Vedaldi 2015, eq. 2), mean over the nodes.

    Pictures are clamped to [0, 1] before anything is computed of them: losses are those of the picture shown.
    """

    def __init__(
        self,
        trunk: Trunk,
        target: Features,
        *,
        direction: Weight = 0.0,
        priors: Mapping[str, Weight] | None = None,
        start: Images | None = None,
    ) -> None:
        """Take the weights of the features' direction and of priors by name; those of 0 are not computed."""
        self._trunk = trunk
        self._target = {node: Wanted(_in_memory_order(target[node])) for node in trunk.nodes}
        self._start = start
        self._priors = {name: PRIORS[name] for name, weight in (priors or {}).items() if _is_used(weight)}
        self._weights = {**FIXED_WEIGHTS, "direction": direction, **(priors or {})}
        for name, prior in self._priors.items():
            has = {"start": start is not None, "batchnorms": bool(trunk.batchnorms)}
            if prior.needs and not has[prior.needs]:
                raise SettingsError(f"The prior {name} needs {NEEDS[prior.needs]}.")

    def evaluate(self, parameters: Parameters, parameterisation: Parameterisation) -> Evaluation:
        """Compute losses and gradient by one forward and one backward pass."""
        found = self.differentiate(parameters, parameterisation)
        # One transfer for all terms: on a GPU each would wait for the device.
        values = torch.stack(list(found.terms.values())).tolist()
        losses = dict(zip(found.terms, values, strict=True))
        return Evaluation(parameters.detach(), found.gradient, found.images, losses)

    def differentiate(self, parameters: Parameters, parameterisation: Parameterisation) -> Derivative:
        """Compute what `evaluate` tells, as tensors on the device."""
        parameters = parameters.detach().requires_grad_()
        with torch.enable_grad():
            unbounded = parameterisation.decode(parameters)
            images = unbounded.clamp(0, 1)
            # How far the clamp had to move pixels; where it did not, the gradient is 0.
            out_of_range = closeness(unbounded, images.detach()).mean()
            terms = self._terms(images) | {"out_of_range": out_of_range}
            total = torch.stack([self._weights[name] * term for name, term in terms.items()]).sum()
        (gradient,) = torch.autograd.grad(total, parameters)
        return Derivative(gradient, images.detach(), terms | {"total": total})

    def _terms(self, images: Images) -> dict[str, Float[Tensor, ""]]:
        """Compute the feature error and every term that has a weight, before weighting."""
        features = self._trunk(images)
        pairs = [(_in_memory_order(features[node]), wanted) for node, wanted in self._target.items()]
        terms = {"feature": torch.stack([_relative_error(*pair) for pair in pairs]).mean()}
        if _is_used(self._weights["direction"]):
            terms["direction"] = torch.stack([_direction_error(*pair) for pair in pairs]).mean()
        evidence = Evidence(images, self._start, features, self._trunk.batchnorms)
        return terms | {name: prior.compute(evidence).mean() for name, prior in self._priors.items()}


def _is_used(weight: Weight) -> bool:
    return isinstance(weight, Tensor) or weight != 0


def _in_memory_order(features: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch values"]:
    """Flatten channels-last features; in any other order that would copy them."""
    return features.movedim(1, -1).flatten(1)


def _relative_error(found: Float[Tensor, "batch values"], wanted: Wanted) -> Float[Tensor, "batch"]:
    """Return the squared distance over the target's square."""
    return squared_distance(found, wanted.features) / wanted.square


def _direction_error(found: Float[Tensor, "batch values"], wanted: Wanted) -> Float[Tensor, "batch"]:
    """Return the squared distance of the two scaled to unit norm: 0 for the same direction, at most 4."""
    found = found.float()
    squares = inner_product(found, found) * wanted.square
    return 2 - 2 * inner_product(found, wanted.features) / squares.sqrt()
