"""Closed-form linear decoders: ridge regression from one node's features to the pixels.

They show what is *linearly* readable at a layer, they are the instant decoders of every network without
trained ones, and they are the first layer's start of those that are trained.
"""

import hashlib
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from explorer.errors import ExplorerError
from explorer.examples import EXAMPLES, load_example
from explorer.features.layers import join_nodes
from explorer.features.trunk import Trunk
from explorer.files import replacing
from explorer.images import SIZE, Images

CACHE_VARIABLE = "EXPLORER_CACHE"
# Up to this many channels a 3x3 neighbourhood of features is regressed within the minute on two cores.
MAX_NEIGHBOURHOOD_CHANNELS = 512
# Pixels of the picture per cell, by side: that of layer4. Each cell of a coarser map, such as the only one of
# avgpool, stands for so many pixels that the fit takes very long, on too few cells to be of use.
MAX_STRIDE = 32
# Ridge strength relative to the mean variance of the regressors, by the side of the neighbourhood. Few
# pictures do not determine the many channels of deep layers: layer4 gains 1.3 dB from .001 to .1 (examples).
RIDGE = {3: 1e-3, 1: 0.1}
# The example pictures are few: each is cropped at several sizes, so that edges and textures vary in scale.
CROP_SIZES = (224, 288, 352, 448)
CROPS_PER_SIZE = 8
# Positions used of each batch, drawn at random: a tall regression needs no more, and shallow maps have many.
MAX_ROWS_PER_BATCH = 4096
# Names what else a cached fit depends on, so that a change here is not answered from the cache.
RECIPE = hashlib.sha256(
    repr((EXAMPLES, SIZE, CROP_SIZES, CROPS_PER_SIZE, MAX_ROWS_PER_BATCH, RIDGE)).encode()
).hexdigest()[:8]


class LinearDecoderError(ExplorerError):
    """A node whose features no linear decoder reads; the message says why."""


@dataclass(frozen=True, slots=True)
class LinearMap:
    """A fitted regression: standardised k x k neighbourhoods of features to patches of the picture."""

    mean: Float[Tensor, "channels"]
    std: Float[Tensor, "channels"]
    weight: Float[Tensor, "patch channels k k"]
    bias: Float[Tensor, "patch"]


class LinearDecoder(nn.Module):
    """Features of one node to an image in [0, 1], linear but for the clamp."""

    mean: Tensor
    std: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, node: str, fitted: LinearMap) -> None:
        super().__init__()
        self.node = node
        self.register_buffer("mean", fitted.mean.view(1, -1, 1, 1))
        self.register_buffer("std", fitted.std.view(1, -1, 1, 1))
        self.register_buffer("weight", fitted.weight)
        self.register_buffer("bias", fitted.bias)

    def forward(self, features: dict[str, Float[Tensor, "batch channels rows columns"]]) -> Images:
        """Decode the node's entry of a trunk's output."""
        standardised = (features[self.node] - self.mean) / self.std
        patches = functional.conv2d(standardised, self.weight, self.bias, padding=self.weight.shape[-1] // 2)
        return functional.pixel_shuffle(patches, math.isqrt(self.weight.shape[0] // 3)).clamp(0, 1)


def linear_decoder(trunk: Trunk) -> LinearDecoder:
    """Load this trunk's linear decoder from the disk cache, or fit and cache it (up to a minute).

    The pictures are random crops of ``skimage.data``, so every machine has them.

    Raises:
        LinearDecoderError: the trunk has several nodes, or one whose features are no map that divides the
            picture, or too coarse a one.
    """
    if len(trunk.nodes) != 1:
        raise LinearDecoderError(f"A linear decoder reads one layer, not {join_nodes(trunk.nodes)}.")
    path = cache_folder() / f"linear-{trunk.fingerprint}-{RECIPE}.safetensors"
    fitted = _load(path)
    if fitted is None:
        fitted = fit_linear_map(trunk, example_batches())
        _save(fitted, path)
    return LinearDecoder(trunk.nodes[0], fitted)


def cache_folder() -> Path:
    """Tell the folder for fitted decoders: ``EXPLORER_CACHE``, or a folder in the user's cache."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "feature-inversion"
    return Path(os.environ.get(CACHE_VARIABLE) or default)


def example_batches() -> Iterator[Images]:
    """Yield batches of random, half of them mirrored crops of the example pictures, always the same."""
    generator = torch.Generator().manual_seed(0)
    for size in CROP_SIZES:
        pictures = [load_example(name, size=size).images for name in EXAMPLES]
        for _ in range(CROPS_PER_SIZE):
            yield torch.cat([_random_crop(images, generator) for images in pictures])


def _random_crop(images: Images, generator: torch.Generator) -> Images:
    slack = images.shape[-1] - SIZE
    top, left, flip = (
        int(torch.randint(high, (), generator=generator)) for high in (slack + 1, slack + 1, 2)
    )
    crop = images[..., top : top + SIZE, left : left + SIZE]
    return crop.flip(-1) if flip else crop


@torch.no_grad()
def fit_linear_map(trunk: Trunk, batches: Iterable[Images], *, ridge: float | None = None) -> LinearMap:
    """Regress the pixels on a trunk's features by the normal equations, in one pass over the pictures.

    ``ridge`` is relative to the mean variance of the regressors; None takes the neighbourhood's own.

    Channels are standardised with the first batch's statistics; that conditions the problem and leaves its
    solution the same but for the ridge.
    """
    sums: _NormalEquations | None = None
    for images in batches:
        features = trunk(images)[trunk.nodes[0]]
        if sums is None:
            sums = _NormalEquations(features, images)
        sums.add(features, images)
    if sums is None:
        raise ValueError("A linear decoder needs at least one picture.")
    return sums.solve(RIDGE[sums.kernel] if ridge is None else ridge)


class _NormalEquations:
    """Accumulates X'X and X'Y over features X (with a constant) and picture patches Y."""

    def __init__(self, features: Tensor, images: Images) -> None:
        if features.ndim != 4 or images.shape[-1] % features.shape[-1]:
            raise LinearDecoderError(
                "A linear decoder needs a feature map that divides the picture, "
                f"not features of shape {tuple(features.shape)}."
            )
        self.stride = images.shape[-1] // features.shape[-1]
        if self.stride > MAX_STRIDE:
            raise LinearDecoderError(
                f"A linear decoder needs a feature map with a cell for {MAX_STRIDE}x{MAX_STRIDE} pixels "
                f"at most, not for {self.stride}x{self.stride}."
            )
        self.mean = features.mean(dim=(0, 2, 3))
        self.std = features.std(dim=(0, 2, 3)).clamp_min(1e-3 * features.std().item() + 1e-8)
        self.kernel = 3 if features.shape[1] <= MAX_NEIGHBOURHOOD_CHANNELS else 1
        size = features.shape[1] * self.kernel**2 + 1
        self.gram = torch.zeros(size, size, dtype=torch.float64, device=features.device)
        self.moment = torch.zeros(size, 3 * self.stride**2, dtype=torch.float64, device=features.device)
        self.generator = torch.Generator().manual_seed(0)

    def add(self, features: Tensor, images: Images) -> None:
        standardised = (features - self.mean.view(1, -1, 1, 1)) / self.std.view(1, -1, 1, 1)
        columns = functional.unfold(standardised, self.kernel, padding=self.kernel // 2)
        x = columns.transpose(1, 2).flatten(0, 1)
        y = functional.pixel_unshuffle(images, self.stride).flatten(2).transpose(1, 2).flatten(0, 1)
        chosen = torch.randperm(len(x), generator=self.generator)[:MAX_ROWS_PER_BATCH]
        x, y = torch.cat([x[chosen], x.new_ones(len(chosen), 1)], dim=1), y[chosen]
        self.gram += x.T @ x
        self.moment += x.T @ y

    def solve(self, ridge: float) -> LinearMap:
        penalty = ridge * self.gram.diagonal()[:-1].mean()
        gram = self.gram.clone()
        gram.diagonal()[:-1] += penalty  # The constant is not shrunk.
        solution = torch.linalg.solve(gram, self.moment).float()
        channels = len(self.mean)
        weight = solution[:-1].T.reshape(-1, channels, self.kernel, self.kernel).contiguous()
        return LinearMap(self.mean, self.std, weight, solution[-1].contiguous())


def _load(path: Path) -> LinearMap | None:
    """Read a cached map; a damaged file counts as absent, because it can be fitted again."""
    try:
        return LinearMap(**load_file(path))
    except (FileNotFoundError, SafetensorError, TypeError):
        return None


def _save(fitted: LinearMap, path: Path) -> None:
    with replacing(path) as partial:
        save_file({name: getattr(fitted, name) for name in LinearMap.__slots__}, partial)
