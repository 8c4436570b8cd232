"""Feature consistency: a reconstruction should lead a network to the features of the original.

To keep a decoder from drawing textures that only one network sees, a network of several re-encodes both
pictures, and in half of the steps both are shifted, scaled and mirrored first.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

from explorer.features.trunk import Trunk
from explorer.images import Images
from explorer.metrics.functional import feature_error

MOVED_SHARE = 0.5  # Of the steps.
MAX_SHIFT_PIXELS = 16
SCALES = (0.85, 1.15)


class FeatureConsistency(nn.Module):
    """Weighted relative squared feature errors (Dosovitskiy & Brox 2016), by layer."""

    def __init__(self, weights: Mapping[str, float], trunks: Sequence[Trunk]) -> None:
        """Take the weight of each layer, and trunks that give the features of all of them."""
        super().__init__()
        self.weights = dict(weights)
        self.trunks = nn.ModuleList(trunks)

    def forward(self, images: Images, target: Images, random: torch.Generator) -> dict[str, Tensor]:
        """Compute the weighted term of each layer, means over the batch; 0 where the pictures agree."""
        trunk = self.trunks[int(torch.randint(len(self.trunks), (), generator=random))]
        if torch.rand((), generator=random) < MOVED_SHARE:
            grid = _draw_movement(images, random)
            images, target = _move(images, grid), _move(target, grid)
        reached = trunk(images)
        with torch.no_grad():
            wanted = trunk(target)
        return {
            layer: weight * feature_error(reached[layer].float(), wanted[layer].float()).mean()
            for layer, weight in self.weights.items()
        }


def _draw_movement(images: Images, random: torch.Generator) -> Float[Tensor, "batch height width 2"]:
    """Draw a shift, a scale and a side for each picture, as the places to sample it at."""
    count, height, width = len(images), images.shape[-2], images.shape[-1]
    low, high = SCALES
    scale = low + (high - low) * torch.rand(count, generator=random)
    side = torch.randint(2, (count,), generator=random) * 2.0 - 1
    pixels = MAX_SHIFT_PIXELS * (2 * torch.rand(count, 2, generator=random) - 1)
    zero = torch.zeros(count)
    rows = [
        torch.stack([scale * side, zero, 2 * pixels[:, 0] / width], dim=1),
        torch.stack([zero, scale, 2 * pixels[:, 1] / height], dim=1),
    ]
    matrices = torch.stack(rows, dim=1).to(images)
    return affine_grid(matrices, list(images.shape), align_corners=False)


def _move(images: Images, grid: Float[Tensor, "batch height width 2"]) -> Images:
    return grid_sample(images, grid, padding_mode="reflection", align_corners=False)
