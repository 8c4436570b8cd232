"""Edits of feature maps: what is taken away from them, or added, before a picture is brought back.

Edits that remove channels, components or positions put a centre in their place, one value per channel: the
channel's mean over photos says "as usual", zero says "silent".
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from explorer.errors import ExplorerError

Maps = Float[Tensor, "batch channels rows columns"]
Centre = Float[Tensor, "channels"]

MAX_BITS = 16  # A float's own precision is 24 bits; beyond 16 nothing can be seen.
BLUR_REACH = 3.0  # Standard deviations at which the Gaussian is cut off.
ROTATED_AT_ONCE = 256  # A rotation of thousands takes seconds to draw, and hides nothing more.
LEAST_BLUR = 0.1  # Cells; a narrower Gaussian gives the next cell less than a float can hold.


class EditError(ExplorerError):
    """An edit that these features cannot take; the message names the limits."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle as shares of the picture's sides, from (0, 0) at the top left to (1, 1)."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        """Raise EditError for a rectangle that is empty or reaches outside."""
        if not (0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1):
            raise EditError(
                f"The region {self.left:g},{self.top:g},{self.right:g},{self.bottom:g} is empty or outside; "
                "write left,top,right,bottom as shares from 0 to 1, as in 0.25,0.25,0.75,0.75."
            )


def keep_top_channels(features: Maps, count: int, centre: Centre) -> Maps:
    """Keep the channels that deviate most from the centre, by energy summed over positions.

    Raises:
        EditError: there are fewer channels than `count`.
    """
    _check_count(count, features.shape[1], "channels")
    deviation = features - _spread(centre)
    energy = deviation.square().sum(dim=(2, 3))
    kept = torch.zeros_like(energy).scatter(1, energy.topk(count, dim=1).indices, 1.0)
    return torch.where(kept[:, :, None, None] > 0, features, _spread(centre))


def drop_channels(features: Maps, channels: Collection[int], centre: Centre) -> Maps:
    """Replace the named channels, counted from 0, by the centre.

    Raises:
        EditError: a channel does not exist.
    """
    count = features.shape[1]
    if missing := [channel for channel in channels if not 0 <= channel < count]:
        raise EditError(f"There is no channel {missing[0]}: these features have 0 to {count - 1}.")
    edited = features.clone()
    index = sorted(channels)
    edited[:, index] = _spread(centre)[:, index]
    return edited


def keep_components(
    features: Maps, components: Float[Tensor, "components channels"], count: int, centre: Centre
) -> Maps:
    """Project every position on the first principal components, orthonormal rows, around the centre.

    Raises:
        EditError: there are fewer components than `count`.
    """
    _check_count(count, len(components), "principal components")
    basis = components[:count]
    return _spread(centre) + torch.einsum("kc,kd,bdyx->bcyx", basis, basis, features - _spread(centre))


def blur_positions(features: Maps, sigma: float) -> Maps:
    """Blur every channel by a Gaussian of this standard deviation, in cells; edges are repeated."""
    if sigma < 0:
        raise EditError(f"A blur of {sigma:g} cells is below 0.")
    if sigma < LEAST_BLUR:
        return features
    reach = max(1, round(BLUR_REACH * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=features.dtype, device=features.device)
    weights = torch.exp(-0.5 * (offsets / sigma).square())
    kernel = (weights / weights.sum()).view(1, 1, -1)
    batch, channels, rows, columns = features.shape
    blurred = _blur_rows(features.reshape(-1, 1, columns), kernel, reach).view(batch, channels, rows, columns)
    turned = blurred.transpose(2, 3).reshape(-1, 1, rows)
    return _blur_rows(turned, kernel, reach).view(batch, channels, columns, rows).transpose(2, 3)


def shuffle_positions(features: Maps, share: float, generator: torch.Generator) -> Maps:
    """Let this share of the positions, drawn at random, trade places; channels stay together.

    Raises:
        EditError: the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise EditError(f"The share of shuffled positions is from 0 to 1, not {share:g}.")
    positions = features.shape[2] * features.shape[3]
    chosen = torch.randperm(positions, generator=generator)[: round(share * positions)]
    order = torch.arange(positions)
    order[chosen] = chosen[torch.randperm(len(chosen), generator=generator)]
    return features.flatten(2)[:, :, order.to(features.device)].view_as(features)


def quantise_channels(features: Maps, bits: int) -> Maps:
    """Round every channel to 2^bits evenly spread levels from its smallest to its largest value.

    Raises:
        EditError: bits is not from 1 to MAX_BITS.
    """
    if not 1 <= bits <= MAX_BITS:
        raise EditError(f"Values are kept in 1 to {MAX_BITS} bits, not {bits}.")
    low, high = features.amin(dim=(2, 3), keepdim=True), features.amax(dim=(2, 3), keepdim=True)
    step = (high - low) / (2**bits - 1)
    # A channel of one value alone has no step; it is its own only level.
    return torch.where(step > 0, low + ((features - low) / step).round() * step, features)


def add_noise(features: Maps, size: float, generator: torch.Generator) -> Maps:
    """Add Gaussian noise whose norm is `size` times that of the features, so its feature error is size^2.

    Raises:
        EditError: the size is below 0.
    """
    if size < 0:
        raise EditError(f"The size of the noise is 0 or above, not {size:g}.")
    noise = torch.randn(features.shape, generator=generator).to(features)
    norms = [tensor.flatten(1).norm(dim=1).view(-1, 1, 1, 1) for tensor in (features, noise)]
    return features + size * noise * norms[0] / norms[1]


def rotate_channels(features: Maps, share: float, generator: torch.Generator) -> Maps:
    """Rotate this share of the channels, drawn at random, among themselves, at most 256 at a time.

    Norms stay; which direction is which is known to none but the generator.

    Raises:
        EditError: the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise EditError(f"The share of rotated channels is from 0 to 1, not {share:g}.")
    count = features.shape[1]
    rotated = features.clone()
    for group in torch.randperm(count, generator=generator)[: round(share * count)].split(ROTATED_AT_ONCE):
        basis, _ = torch.linalg.qr(torch.randn(len(group), len(group), generator=generator))
        chosen = group.to(features.device)
        rotated[:, chosen] = torch.einsum("kc,bcyx->bkyx", basis.to(features), features[:, chosen])
    return rotated


def keep_region(features: Maps, region: Region, centre: Centre) -> Maps:
    """Keep the cells whose middles lie in the region, and the one nearest its middle in any case."""
    rows, columns = features.shape[2:]
    inside = _cells(rows, region.top, region.bottom)[:, None] & _cells(columns, region.left, region.right)
    return torch.where(inside.to(features.device), features, _spread(centre))


def _cells(count: int, start: float, end: float) -> Tensor:
    middles = (torch.arange(count) + 0.5) / count
    inside = (middles >= start) & (middles <= end)
    inside[(middles - (start + end) / 2).abs().argmin()] = True
    return inside


def _blur_rows(lines: Tensor, kernel: Tensor, reach: int) -> Tensor:
    padded = torch.cat(
        [lines[..., :1].expand(-1, -1, reach), lines, lines[..., -1:].expand(-1, -1, reach)], 2
    )
    return functional.conv1d(padded, kernel)


def _spread(centre: Centre) -> Float[Tensor, "1 channels 1 1"]:
    return centre.view(1, -1, 1, 1)


def _check_count(count: int, available: int, what: str) -> None:
    if not 0 <= count <= available:
        raise EditError(f"These features have {available} {what}: keep 0 to {available}, not {count}.")
