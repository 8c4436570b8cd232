"""Closed-form linear decoders: ridge regression from one node's features to the pixels.

They show what is *linearly* readable at a layer, they are the instant decoders of every network without
trained ones, and they are the first layer's start of those that are trained.
"""

import hashlib
import math
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from explorer.cache import cached
from explorer.decoders.regression import (
    MAX_ROWS_PER_BATCH,
    RIDGE,
    LinearDecoderError,
    LinearMap,
    fit_linear_map,
)
from explorer.examples import EXAMPLES, load_example
from explorer.features.layers import join_nodes
from explorer.features.trunk import Trunk
from explorer.images import SIZE, Images

# The example pictures are few: each is cropped at several sizes, so that edges and textures vary in scale.
CROP_SIZES = (224, 288, 352, 448)
CROPS_PER_SIZE = 8
# Names what else a cached fit depends on, so that a change here is not answered from the cache.
RECIPE = hashlib.sha256(
    repr((EXAMPLES, SIZE, CROP_SIZES, CROPS_PER_SIZE, MAX_ROWS_PER_BATCH, RIDGE)).encode()
).hexdigest()[:8]


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


def linear_decoder(trunk: Trunk, tell: Callable[[float], None] = lambda _: None) -> LinearDecoder:
    """Load this trunk's linear decoder from the disk cache, or fit and cache it (up to a minute).

    The pictures are random crops of ``skimage.data``, so every machine has them. ``tell`` hears the share of
    a fit that is done, from 0 to 1.

    Raises:
        LinearDecoderError: the trunk has several nodes, or one whose features are no map that divides the
            picture, or too coarse a one.
    """
    if len(trunk.nodes) != 1:
        raise LinearDecoderError(f"A linear decoder reads one layer, not {join_nodes(trunk.nodes)}.")
    key = f"linear-{trunk.fingerprint}-{RECIPE}"
    fitted = cached(key, LinearMap, lambda: _fit(trunk, tell))
    return LinearDecoder(trunk.nodes[0], fitted)


def example_batches() -> Iterator[Images]:
    """Yield batches of random, half of them mirrored crops of the example pictures, always the same."""
    generator = torch.Generator().manual_seed(0)
    for size in CROP_SIZES:
        pictures = [load_example(name, size=size).images for name in EXAMPLES]
        for _ in range(CROPS_PER_SIZE):
            yield torch.cat([_random_crop(images, generator) for images in pictures])


def _random_crop(images: Images, generator: torch.Generator) -> Float[Tensor, "batch 3 side side"]:
    slack = images.shape[-1] - SIZE
    top, left, flip = (
        int(torch.randint(high, (), generator=generator)) for high in (slack + 1, slack + 1, 2)
    )
    crop = images[..., top : top + SIZE, left : left + SIZE]
    return crop.flip(-1) if flip else crop


def _fit(trunk: Trunk, tell: Callable[[float], None]) -> LinearMap:
    steps = len(CROP_SIZES) * CROPS_PER_SIZE + 1  # The last one solves the equations.

    def pairs() -> Iterator[tuple[Tensor, Images]]:
        for done, images in enumerate(example_batches()):
            tell(done / steps)
            yield trunk(images)[trunk.nodes[0]], images
        tell((steps - 1) / steps)

    fitted = fit_linear_map(pairs())
    tell(1.0)
    return fitted
