"""Mixtures of feature maps or pictures, and how far several of them lie apart."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.errors import ExplorerError
from explorer.experiments.operations.edits import Maps
from explorer.images import Images

# Channels that are silent all over a picture have no spread to divide by.
SMALLEST_STD = 1e-5


class MixingError(ExplorerError):
    """Features or pictures that cannot be mixed; the message says why."""


def interpolate(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Mix two tensors of one shape linearly: the start at share 0, the end at share 1."""
    if start.shape != end.shape:
        raise MixingError(f"Shapes {tuple(start.shape)} and {tuple(end.shape)} cannot be mixed.")
    if not 0 <= share <= 1:
        raise MixingError(f"The share of the second picture is from 0 to 1, not {share:g}.")
    return torch.lerp(start, end, share)


def transfer_statistics(positions: Maps, statistics: Maps, share: float) -> Maps:
    """Keep one picture's positions and take the other's mean and spread per channel (Huang & Belongie 2017).

    At share 0 nothing changes; in between, means and spreads are interpolated.
    """
    mean, std = _moments(positions)
    other_mean, other_std = _moments(statistics)
    wanted_mean, wanted_std = interpolate(mean, other_mean, share), interpolate(std, other_std, share)
    return (positions - mean) / std * wanted_std + wanted_mean


def spread_map(pictures: Sequence[Images]) -> Float[Tensor, "1 1 height width"]:
    """Measure how far pictures lie apart at each pixel: standard deviation, mean over colours, 0 to 0.5.

    Raises:
        MixingError: there are fewer than two.
    """
    if len(pictures) < 2:
        raise MixingError("A spread needs at least two pictures.")
    return torch.cat(list(pictures)).std(dim=0, correction=0, keepdim=True).mean(dim=1, keepdim=True)


def _moments(features: Maps) -> tuple[Tensor, Tensor]:
    mean = features.mean(dim=(2, 3), keepdim=True)
    std = features.std(dim=(2, 3), correction=0, keepdim=True)
    return mean, std.clamp_min(SMALLEST_STD)
