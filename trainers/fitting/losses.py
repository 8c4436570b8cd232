"""The decoders' training loss: pixels, and for the consistent variant LPIPS and re-encoded features.

The perceptual network is never the one whose LPIPS is reported (Alex).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from explorer.features.trunk import Trunk
from explorer.images import Images
from explorer.metrics.lpips import load_lpips
from trainers.config import LossConfig
from trainers.fitting.consistency import FeatureConsistency


class ReconstructionLoss(nn.Module):
    """Weighted sum of the terms whose weight is not zero."""

    def __init__(self, config: LossConfig, trunks: Sequence[Trunk] = ()) -> None:
        """Take the weights, and the trunks that re-encode pictures where features have a weight."""
        super().__init__()
        self.config = config
        self.perceptual = None
        if config.perceptual:
            perceptual = load_lpips(config.perceptual_network)
            self.perceptual = perceptual.to(memory_format=torch.channels_last)
        self.consistency = FeatureConsistency(config.features, trunks) if config.features else None

    def forward(self, images: Images, target: Images, random: torch.Generator) -> dict[str, Tensor]:
        """Compute the weighted terms, by name; their sum is the loss."""
        difference = images - target
        terms = {
            "mse": self.config.mse * difference.square().mean(),
            "l1": self.config.l1 * difference.abs().mean(),
        }
        if self.perceptual is not None:
            distance = self.perceptual(images, target, normalize=True).mean()
            terms["perceptual"] = self.config.perceptual * distance
        if self.consistency is not None:
            terms |= self.consistency(images, target, random)
        return terms
