"""A node's mean and principal components over the example pictures, fitted once and cached on disk."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.cache import cached, find
from explorer.decoders.linear import RECIPE as CROPS_RECIPE
from explorer.decoders.linear import example_batches
from explorer.experiments.operations.edits import Centre
from explorer.features.trunk import Trunk
from explorer.images import Images

# Every fourth batch still has crops of every size; layer4 then has more positions than channels.
BATCHES_APART = 4
RECIPE = hashlib.sha256(f"{CROPS_RECIPE} {BATCHES_APART}".encode()).hexdigest()[:8]
# The four layers of two networks, a few megabytes each.
KEPT = 8


@dataclass(frozen=True, slots=True)
class Components:
    """Means of the channels, and the directions of largest variance, orthonormal rows, largest first."""

    mean: Centre
    basis: Float[Tensor, "components channels"]
    variances: Float[Tensor, "components"]


@lru_cache(maxsize=KEPT)
def load_components(trunk: Trunk) -> Components:
    """Load what belongs to this trunk's node from the disk cache, or fit and cache it in some seconds."""
    batches = islice(example_batches(), 0, None, BATCHES_APART)
    return cached(_key(trunk), Components, lambda: fit_components(trunk, batches))


def are_fitted(trunk: Trunk) -> bool:
    """Whether `load_components` need not fit them."""
    return find(_key(trunk), Components) is not None


@torch.no_grad()
def fit_components(trunk: Trunk, batches: Iterable[Images]) -> Components:
    """Analyse the channels at all positions of these pictures (Pearson 1901)."""
    count, total, outer = 0, torch.zeros(()), torch.zeros(())
    for images in batches:
        values = trunk(images)[trunk.nodes[0]].float().transpose(0, 1).flatten(1)
        count += values.shape[1]
        total = total + values.sum(1).double()
        outer = outer + (values @ values.T).double()
    mean = total / count
    covariance = (outer / count - torch.outer(mean, mean)).float()
    variances, directions = torch.linalg.eigh(covariance)
    order = variances.argsort(descending=True)
    return Components(mean.float(), directions.T[order].contiguous(), variances[order].clamp_min(0))


def _key(trunk: Trunk) -> str:
    return f"components-{trunk.fingerprint}-{RECIPE}"
