"""The decoders' training loss: pixels, and for the perceptual variant LPIPS and the feature cycle.

The perceptual network is never the one whose LPIPS is reported (Alex).
"""

import lpips
import torch
from torch import Tensor, nn

from explorer.features.trunk import Features, Trunk
from explorer.images import Images
from explorer.metrics.functional import feature_error
from trainers.config import LossConfig


class ReconstructionLoss(nn.Module):
    """Weighted sum of the terms whose weight is not zero."""

    def __init__(self, config: LossConfig) -> None:
        super().__init__()
        self.config = config
        self.perceptual = None
        if config.perceptual:
            self.perceptual = lpips.LPIPS(net=config.perceptual_network, verbose=False)
            self.perceptual.eval().requires_grad_(False)

    def forward(self, images: Images, target: Images, trunk: Trunk, features: Features) -> dict[str, Tensor]:
        """Compute the weighted terms, by name; their sum is the loss.

        ``features`` are the target's; ``trunk`` is the one they came from.
        """
        difference = images - target
        terms = {
            "mse": self.config.mse * difference.square().mean(),
            "l1": self.config.l1 * difference.abs().mean(),
        }
        if self.perceptual is not None:
            distance = self.perceptual(images, target, normalize=True).mean()
            terms["perceptual"] = self.config.perceptual * distance
        if self.config.cycle:
            reached = trunk(images)
            errors = [feature_error(reached[node], features[node]) for node in features]
            terms["cycle"] = self.config.cycle * torch.cat(errors).mean()
        return terms
