"""Priors: what is known of any picture before its features are seen.

Each is a pure function with one value per picture, 0 at best.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from explorer.features import BatchNormStatistics
from explorer.images import Images

# Below this difference of neighbours (half an 8-bit grey level) total variation is quadratic, hence smooth.
TV_ROUNDING = 0.002
ALPHA = 6


def total_variation(images: Images) -> Float[Tensor, "batch"]:
    """Return the mean absolute difference of vertical plus that of horizontal neighbours.

    Range 0 to 2 in [0, 1]: 2 for a checkerboard of single pixels (Rudin et al. 1992, anisotropic).
    """
    vertical = _mean_distance(images[:, :, 1:], images[:, :, :-1])
    return vertical + _mean_distance(images[..., 1:], images[..., :-1])


def alpha_norm(images: Images) -> Float[Tensor, "batch"]:
    """Return the mean of |2 x - 1| ** 6: 1 at black and white, steep beyond (Mahendran & Vedaldi 2015)."""
    return (2 * images - 1).pow(ALPHA).flatten(1).mean(1)


def out_of_range(images: Images) -> Float[Tensor, "batch"]:
    """Return the mean squared distance to [0, 1]."""
    return closeness(images, images.detach().clamp(0, 1))


def closeness(images: Images, reference: Images) -> Float[Tensor, "batch"]:
    """Return the mean squared distance to a given picture."""
    return (images - reference).square().flatten(1).mean(1)


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


def _mean_distance(images: Images, others: Images) -> Float[Tensor, "batch"]:
    return smooth_l1_loss(images, others, reduction="none", beta=TV_ROUNDING).flatten(1).mean(1)
