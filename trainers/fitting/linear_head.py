"""A decoder's start in closed form: standardisation, and ridge regression written into the linear head."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from explorer.decoders.architecture import IMAGE_CHANNELS, OVERLAP
from explorer.decoders.network import DecoderNetwork, OverlappingPatches, TiledPatches, blend_window
from explorer.decoders.regression import LinearMap, fit_linear_map
from explorer.images import Images

BASIS_BATCHES = 16  # Batches whose predictions the principal components come from.
# The stem's channels are divided by this power of their variance: half-way between the features' own scale
# and whitening, which would raise the noise of the last ones to the size of the first.
STEM_POWER = 0.25

Maps = Float[Tensor, "batch channels rows columns"]
# Yields a network's inputs and what it should draw from them; called once for every pass over the batches.
Pairs = Callable[[], Iterator[tuple[Maps, Images]]]


@torch.no_grad()
def start_from_regression(network: DecoderNetwork, pairs: Pairs) -> None:
    """Fit the inputs' standardisation and the linear head on a few batches.

    The head keeps the leading principal components of the regression's predictions, which is the best map of
    its rank for the same squared error (Izenman 1975).
    """
    config = network.config
    fitted = fit_linear_map(
        ((network.prepare(inputs), images) for inputs, images in pairs()), reach=config.linear_reach
    )
    if config.linear_reach == OVERLAP:
        fitted = _window(fitted, config.cell)
    network.mean.copy_(fitted.mean.view_as(network.mean))
    network.std.copy_(fitted.std.view_as(network.std))
    inputs = (network.prepare(inputs) for inputs, _ in islice(pairs(), BASIS_BATCHES))
    basis, centre = _principal_components(fitted, inputs, config.linear_rank)
    network.linear_in.weight.copy_(torch.einsum("pr,pcij->rcij", basis, fitted.weight))
    _write_patches(network.linear_out, basis, centre + basis @ (basis.T @ (fitted.bias - centre)))


@torch.no_grad()
def start_from_statistics(network: DecoderNetwork, pairs: Pairs) -> None:
    """Begin a network without a linear head: standardisation, principal components as stem, mean colour."""
    rows, colours = [], []
    for inputs, images in pairs():
        rows.append(network.prepare(inputs).movedim(1, -1).flatten(0, 2))
        colours.append(images.mean(dim=(0, 2, 3)))
    x = torch.cat(rows)
    centre, std = x.mean(0), x.std(0).clamp_min(1e-3 * x.std() + 1e-8)
    network.mean.copy_(centre.view_as(network.mean))
    network.std.copy_(std.view_as(network.std))
    standardised = (x - centre) / std
    variances, vectors = torch.linalg.eigh(standardised.T @ standardised / len(x))
    leading = slice(-len(network.stem.weight), None)
    scale = variances[leading].clamp_min(1e-6 * variances[-1]) ** -STEM_POWER
    assert network.stem.bias is not None
    assert network.to_image.bias is not None
    network.stem.weight.copy_((vectors[:, leading] * scale).T[:, :, None, None])
    network.stem.bias.zero_()
    network.to_image.bias.copy_(torch.stack(colours).mean(0))


def _principal_components(
    fitted: LinearMap, inputs: Iterable[Maps], rank: int
) -> tuple[Float[Tensor, "patch rank"], Float[Tensor, "patch"]]:
    """Compute an orthonormal basis of the predictions' largest variances, and their mean."""
    rows = torch.cat([_predict_patches(fitted, maps) for maps in inputs])
    centre = rows.mean(0)
    covariance = (rows - centre).T @ (rows - centre)
    _, vectors = torch.linalg.eigh(covariance)
    return vectors[:, -rank:].flip(1), centre


def _window(fitted: LinearMap, cell: int) -> LinearMap:
    """Weigh each pixel of the predicted patches, so that overlapping ones can be added up."""
    window = blend_window(cell).flatten().repeat(IMAGE_CHANNELS)
    return replace(fitted, weight=fitted.weight * window[:, None, None, None], bias=fitted.bias * window)


def _write_patches(
    patches: TiledPatches | OverlappingPatches,
    basis: Float[Tensor, "patch rank"],
    bias: Float[Tensor, "patch"],
) -> None:
    """Write a basis of patches and their mean into a head's last step.

    The windowed mean patches add up to one colour, but for what differs between the pixels of a cell.
    """
    assert patches.bias is not None
    if isinstance(patches, TiledPatches):
        patches.weight.copy_(basis[:, :, None, None])
        patches.bias.copy_(bias)
    else:
        patches.weight.copy_(basis.T.reshape(patches.weight.shape))
        cell_pixels = patches.weight[0, 0].numel() / OVERLAP**2
        patches.bias.copy_(bias.view(IMAGE_CHANNELS, -1).sum(1) / cell_pixels)


def _predict_patches(fitted: LinearMap, inputs: Maps) -> Float[Tensor, "cells patch"]:
    standardised = (inputs - fitted.mean.view(1, -1, 1, 1)) / fitted.std.view(1, -1, 1, 1)
    patches = functional.conv2d(
        standardised, fitted.weight, fitted.bias, padding=fitted.weight.shape[-1] // 2
    )
    return patches.movedim(1, -1).flatten(0, 2)
