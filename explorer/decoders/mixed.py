"""Between faithful and likely: a mixture of two decoders' pictures.

The faithful decoder draws the mean of all pictures that a layer allows, the consistent one a likely picture;
no picture is best at both (Blau & Michaeli 2018, the perception-distortion trade-off).
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from explorer.images import Images

MIXED = "mixed"  # No file: both decoders' files together.
# Of the consistent picture. On 20 tuning photos at layer3 the PSNR stays (19.96 of 19.98 dB), LPIPS falls
# from .548 to .446, and another network recognises twice as many. It is never chosen by the picture at hand.
CONSISTENT_SHARE = 0.25


class MixedDecoder(nn.Module):
    """Two decoders of one layer: features by node name to a mixture of their images, in [0, 1]."""

    def __init__(self, faithful: nn.Module, consistent: nn.Module, share: float = CONSISTENT_SHARE) -> None:
        super().__init__()
        self.faithful = faithful
        self.consistent = consistent
        self.share = share

    def forward(self, features: Mapping[str, Float[Tensor, "batch channels rows columns"]]) -> Images:
        """Decode twice, and mix."""
        return torch.lerp(self.faithful(features), self.consistent(features), self.share)
