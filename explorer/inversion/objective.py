"""The objective: relative feature error plus weighted priors, as a function of an optimiser's parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import vecdot, vector_norm

from explorer.features.trunk import Trunk
from explorer.images import Images
from explorer.inversion.parameterisations import Parameterisation, Parameters
from explorer.inversion.priors import (
    alpha_norm,
    batchnorm_distance,
    closeness,
    squared_distance,
    total_variation,
)
from explorer.inversion.settings import Settings, SettingsError

# The clamp to [0, 1] stops the gradient of pixels outside, so that something must bring them back. Results
# are the same from weight 0.1 to 1.
FIXED_WEIGHTS = {"feature": 1.0, "out_of_range": 1.0}

Features = Mapping[str, Float[Tensor, "batch ..."]]


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


class Objective:
    """Feature error relative to the target's size (Mahendran & Vedaldi 2015, eq. 2), mean over the nodes.

    Pictures are clamped to [0, 1] before anything is computed of them: losses are those of the picture shown.
    """

    def __init__(self, trunk: Trunk, target: Features, settings: Settings, reference: Images | None) -> None:
        if settings.batchnorm and not trunk.batchnorms:
            raise SettingsError("The batchnorm prior needs a trunk built with batchnorm_inputs=True.")
        if settings.closeness and reference is None:
            raise SettingsError("The closeness prior needs a start picture to stay close to.")
        self._trunk = trunk.cast(settings.dtype)
        self._target = {node: target[node] for node in trunk.nodes}
        self._settings = settings
        self._reference = reference
        self._jitter = _Jitter(self._target, settings) if settings.jitter else None

    def evaluate(self, parameters: Parameters, parameterisation: Parameterisation) -> Evaluation:
        """Compute losses and gradient by one forward and one backward pass."""
        parameters = parameters.detach().requires_grad_()
        with torch.enable_grad():
            unbounded = parameterisation.decode(parameters)
            images = unbounded.clamp(0, 1)
            # How far the clamp had to move pixels; where it did not, the gradient is 0.
            out_of_range = closeness(unbounded, images.detach()).mean()
            terms = self._terms(images) | {"out_of_range": out_of_range}
            total = torch.stack([self._weight(name) * term for name, term in terms.items()]).sum()
        (gradient,) = torch.autograd.grad(total, parameters)
        # One transfer for all terms: on a GPU each would wait for the device.
        values = torch.stack([*terms.values(), total]).tolist()
        losses = dict(zip([*terms, "total"], values, strict=True))
        return Evaluation(parameters.detach(), gradient, images.detach(), losses)

    def _weight(self, term: str) -> float:
        return FIXED_WEIGHTS[term] if term in FIXED_WEIGHTS else getattr(self._settings, term)

    def _terms(self, images: Images) -> dict[str, Float[Tensor, ""]]:
        """Compute the feature error and every prior that has a weight, before weighting."""
        shifted, target = self._jitter.shift(images) if self._jitter else (images, self._target)
        features = self._trunk(shifted)
        terms = {"feature": _mean_over_nodes(_relative_error, features, target)}
        if self._settings.direction:
            terms["direction"] = _mean_over_nodes(_direction_error, features, target)
        if self._settings.total_variation:
            terms["total_variation"] = total_variation(images).mean()
        if self._settings.alpha_norm:
            terms["alpha_norm"] = alpha_norm(images).mean()
        if self._settings.closeness and self._reference is not None:
            terms["closeness"] = closeness(images, self._reference).mean()
        if self._settings.batchnorm:
            terms["batchnorm"] = batchnorm_distance(features, self._trunk.batchnorms).mean()
        return terms


class _Jitter:
    """Random shifts of picture and target together, by whole cells of the coarsest feature map."""

    def __init__(self, target: Features, settings: Settings) -> None:
        if any(wanted.dim() != 4 for wanted in target.values()):
            raise SettingsError("jitter needs nodes with feature maps; a vector has no place to shift to.")
        self._target = target
        self._largest = settings.jitter
        self._generator = torch.Generator().manual_seed(settings.seed)

    def shift(self, images: Images) -> tuple[Images, Features]:
        """Roll the images and the targets by one newly drawn shift."""
        limits = (-self._largest, self._largest + 1)
        cells = torch.randint(*limits, (2,), generator=self._generator).tolist()
        coarsest = min(self._target.values(), key=lambda wanted: wanted.shape[2])
        return _roll(images, cells, coarsest), {
            node: _roll(wanted, cells, coarsest) for node, wanted in self._target.items()
        }


def _roll(maps: Tensor, cells: list[int], coarsest: Tensor) -> Tensor:
    shifts = [
        cell * (maps.shape[dim] // coarsest.shape[dim]) for cell, dim in zip(cells, (2, 3), strict=True)
    ]
    return maps.roll(shifts, dims=(2, 3))


def _mean_over_nodes(
    error: Callable[[Tensor, Tensor], Float[Tensor, "batch"]], features: Features, target: Features
) -> Float[Tensor, ""]:
    """Return the mean over nodes and pictures."""
    errors = [error(_in_memory_order(features[node]), _in_memory_order(target[node])) for node in target]
    return torch.stack(errors).mean()


def _in_memory_order(features: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch values"]:
    """Flatten channels-last features; in any other order that would copy them."""
    return features.movedim(1, -1).flatten(1)


def _relative_error(
    features: Float[Tensor, "batch values"], wanted: Float[Tensor, "batch values"]
) -> Float[Tensor, "batch"]:
    """Return the squared distance over the target's square."""
    return squared_distance(features, wanted) / vecdot(wanted, wanted)


def _direction_error(
    features: Float[Tensor, "batch values"], wanted: Float[Tensor, "batch values"]
) -> Float[Tensor, "batch"]:
    """Return the squared distance of the two scaled to unit norm: 0 for the same direction, at most 4."""
    features = features.float()
    norms = vector_norm(features, dim=1) * vector_norm(wanted, dim=1)
    return 2 - 2 * vecdot(features, wanted) / norms
