"""Priors: what is known of any picture before its features are seen.

Each is a pure function with one value per picture, 0 at best. `PRIORS` is the one table of them, which the
settings, the objective, the command line and reports read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from explorer.features.trunk import BatchNormStatistics
from explorer.images import Images


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a prior may look at: the pictures, the picture they started from, and their features."""

    images: Images
    start: Images | None
    features: Mapping[str, Tensor]  # With the BatchNorm inputs, where the trunk gives them.
    batchnorms: Mapping[str, BatchNormStatistics]


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior's function, one value per picture, and what it needs beside the pictures."""

    compute: Callable[[Evidence], Float[Tensor, "batch"]]
    needs: Literal["start", "batchnorms"] | None = None


# By the name that is also its weight's among the settings.
PRIORS: dict[str, Prior] = {
    "total_variation": Prior(lambda given: total_variation(given.images)),
    "alpha_norm": Prior(lambda given: alpha_norm(given.images)),
    "closeness": Prior(lambda given: closeness(given.images, _known(given.start)), needs="start"),
    "batchnorm": Prior(
        lambda given: batchnorm_distance(given.features, given.batchnorms), needs="batchnorms"
    ),
}

# Below this difference of neighbours (half an 8-bit grey level) total variation is quadratic, hence smooth.
TV_ROUNDING = 0.002
ALPHA = 6


def total_variation(images: Images) -> Float[Tensor, "batch"]:
    """Return the mean absolute difference of vertical plus that of horizontal neighbours.

    Range 0 to 2 in [0, 1]: 2 for a checkerboard of single pixels (Rudin et al. 1992, anisotropic).
    """
    return _TotalVariation.apply(images)  # pyright: ignore[reportReturnType]


def alpha_norm(images: Images) -> Float[Tensor, "batch"]:
    """Return the mean of |2 x - 1| ** 6: 1 at black and white, steep beyond (Mahendran & Vedaldi 2015)."""
    return (2 * images - 1).pow(ALPHA).flatten(1).mean(1)


def closeness(images: Images, reference: Images) -> Float[Tensor, "batch"]:
    """Return the mean squared distance to a given picture."""
    return squared_distance(images, reference) / images[0].numel()


def squared_distance(values: Float[Tensor, "batch ..."], reference: Tensor) -> Float[Tensor, "batch"]:
    """Return the sum of squared differences, in the finer of the two types; the reference has no gradient."""
    return _SquaredDistance.apply(values, reference)  # pyright: ignore[reportReturnType]


def batchnorm_distance(
    inputs: Mapping[str, Float[Tensor, "batch channels height width"]],
    statistics: Mapping[str, BatchNormStatistics],
) -> Float[Tensor, "batch"]:
    """Return how far BatchNorm inputs are from the training set's statistics (Yin et al. 2020, eq. 4).

    Mean over the layers of the relative squared distance of the means plus that of the variances.
    """
    distances = []
    for name, expected in statistics.items():
        variance, mean = torch.var_mean(inputs[name].float(), dim=(2, 3), correction=0)
        for found, wanted in ((mean, expected.mean), (variance, expected.variance)):
            distances.append((found - wanted).square().sum(1) / wanted.square().sum())
    return torch.stack(distances).sum(0) / len(statistics)


def inner_product(
    values: Float[Tensor, "batch ..."], others: Float[Tensor, "batch ..."]
) -> Float[Tensor, "batch"]:
    """Return each picture's sum of products; as a product of matrices, it writes none of them down."""
    return torch.bmm(values.flatten(1)[:, None], others.flatten(1)[..., None])[:, 0, 0]


class _SquaredDistance(Function):
    """A sum with a hand-written gradient: half the passes over a million values that autograd would take."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, reference: Tensor) -> Tensor:  # noqa: ANN401
        """Keep the difference, which is half the gradient."""
        # Where the types differ, converting first is several times faster than a mixed subtraction.
        finer = values.to(torch.promote_types(values.dtype, reference.dtype))
        difference = finer - reference if finer is values else finer.sub_(reference)
        ctx.save_for_backward(difference)
        ctx.dtype = values.dtype
        return inner_product(difference, difference)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,  # noqa: ANN401
        gradient: Tensor,
    ) -> tuple[Tensor, None]:
        """Return twice the difference, weighted, in the type of the values."""
        (difference,) = ctx.saved_tensors
        weights = 2 * gradient.view(-1, *[1] * (difference.dim() - 1))
        return (difference * weights).to(ctx.dtype), None


class _TotalVariation(Function):
    """Huber's loss of neighbours, whose slope is at hand as soon as its value is."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:  # noqa: ANN401
        """Keep the gradient."""
        slopes, value = torch.zeros_like(images), torch.zeros((), device=images.device)
        for dim in (2, 3):
            count = images.shape[dim] - 1
            after, before = (slopes.narrow(dim, place, count) for place in (1, 0))
            difference = images.diff(dim=dim)
            slope = (difference / TV_ROUNDING).clamp_(-1, 1)
            terms = inner_product(slope, difference) - TV_ROUNDING / 2 * inner_product(slope, slope)
            value = value + terms / difference[0].numel()
            after.add_(slope, alpha=1 / difference[0].numel())
            before.sub_(slope, alpha=1 / difference[0].numel())
        ctx.save_for_backward(slopes)
        return value

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,  # noqa: ANN401
        gradient: Tensor,
    ) -> Tensor:
        """Return the slopes, weighted."""
        (slopes,) = ctx.saved_tensors
        return slopes * gradient.view(-1, 1, 1, 1)


def _known(start: Images | None) -> Images:
    assert start is not None  # The objective has looked.
    return start
