"""The closed-form start of a decoder: standardisation, and ridge regression written into the linear head."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from explorer.decoders.linear import LinearMap, fit_linear_map
from explorer.decoders.network import DecoderNetwork
from explorer.features.trunk import Trunk
from explorer.images import Images

BASIS_BATCHES = 16  # Batches whose predictions the principal components come from.


@torch.no_grad()
def start_from_regression(network: DecoderNetwork, trunk: Trunk, batches: Iterable[Images]) -> None:
    """Fit the features' standardisation, and the linear head if there is one, on a few batches.

    The head keeps the leading principal components of the regression's predictions, which is the best map of
    its rank for the same squared error (Izenman 1975).
    """
    batches = list(batches)
    fitted = fit_linear_map(trunk, batches)
    network.mean.copy_(fitted.mean.view_as(network.mean))
    network.std.copy_(fitted.std.view_as(network.std))
    if not network.config.linear_rank:
        assert network.to_image.bias is not None
        network.to_image.bias.copy_(torch.cat(batches).mean(dim=(0, 2, 3)))
        return
    basis, centre = _principal_components(fitted, trunk, batches[:BASIS_BATCHES], network.config.linear_rank)
    network.linear_in.weight.copy_(torch.einsum("pr,pcij->rcij", basis, fitted.weight))
    network.linear_out.weight.copy_(basis[:, :, None, None])
    network.linear_out.bias.copy_(centre + basis @ (basis.T @ (fitted.bias - centre)))  # pyright: ignore[reportOptionalMemberAccess]


def _principal_components(
    fitted: LinearMap, trunk: Trunk, batches: Iterable[Images], rank: int
) -> tuple[Float[Tensor, "patch rank"], Float[Tensor, "patch"]]:
    """Compute an orthonormal basis of the predictions' largest variances, and their mean."""
    rows = torch.cat([_predict_patches(fitted, trunk, images) for images in batches])
    centre = rows.mean(0)
    covariance = (rows - centre).T @ (rows - centre)
    _, vectors = torch.linalg.eigh(covariance)
    return vectors[:, -rank:].flip(1), centre


def _predict_patches(fitted: LinearMap, trunk: Trunk, images: Images) -> Float[Tensor, "rows patch"]:
    features = trunk(images)[trunk.nodes[0]]
    standardised = (features - fitted.mean.view(1, -1, 1, 1)) / fitted.std.view(1, -1, 1, 1)
    patches = functional.conv2d(
        standardised, fitted.weight, fitted.bias, padding=fitted.weight.shape[-1] // 2
    )
    return patches.movedim(1, -1).flatten(0, 2)
