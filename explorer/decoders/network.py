"""Decoder networks: from one layer's features back to the picture, in one pass.

One small family described by data: a convolutional branch of residual blocks with sub-pixel upsampling (Shi
et al. 2016) and, where ``linear_rank`` is not 0, a reduced-rank linear head in closed form beside it, so that
the branch has only to learn what the head leaves. Where the features hold no detail, the network draws a
small picture, and bicubic interpolation enlarges it.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from explorer.decoders.architecture import IMAGE_CHANNELS, OVERLAP, DecoderConfig
from explorer.images import Images


class ResidualBlock(nn.Module):
    """Pre-activation residual block that starts as the identity (He et al. 2016; Zhang et al. 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(
        self, x: Float[Tensor, "batch width height columns"]
    ) -> Float[Tensor, "batch width height columns"]:
        """Add what the two convolutions find."""
        return x + self.second(functional.silu(self.first(functional.silu(x))))


class Upsample(nn.Module):
    """Sub-pixel doubling whose weights start equal within each 2x2 cell, so without a checkerboard.

    Initialisation: ICNR (Aitken et al. 2017).
    """

    def __init__(self, width: int, out_width: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 4 * out_width, kernel, padding=kernel // 2)
        with torch.no_grad():
            for parameter in self.conv.parameters():
                parameter.copy_(parameter[::4].repeat_interleave(4, dim=0))

    def forward(
        self, x: Float[Tensor, "batch width height columns"]
    ) -> Float[Tensor, "batch out_width height2 columns2"]:
        """Double height and width."""
        return functional.pixel_shuffle(self.conv(x), 2)


class TiledPatches(nn.Conv2d):
    """A patch of pixels for each position, side by side."""

    def __init__(self, rank: int, cell: int) -> None:
        super().__init__(rank, IMAGE_CHANNELS * cell**2, 1)
        self.cell = cell

    def forward(self, input: Float[Tensor, "batch rank rows columns"]) -> Images:
        """Draw the patches."""
        return functional.pixel_shuffle(super().forward(input), self.cell)


class OverlappingPatches(nn.ConvTranspose2d):
    """A patch for each position, twice as wide as its cell; where patches overlap, they are added.

    The weights hold the window (see `blend_window`) that makes each pixel's shares add up to 1. At the border
    the outermost positions also stand for the neighbours that are not there.
    """

    def __init__(self, rank: int, cell: int) -> None:
        super().__init__(rank, IMAGE_CHANNELS, OVERLAP * cell, stride=cell, padding=cell + cell // 2)

    def forward(
        self, input: Float[Tensor, "batch rank rows columns"], output_size: list[int] | None = None
    ) -> Images:
        """Draw the patches and add them up."""
        return super().forward(functional.pad(input, (1, 1, 1, 1), mode="replicate"), output_size)


def blend_window(cell: int) -> Float[Tensor, "side side"]:
    """Give the Hann window of patches of two cells, in [0, 1]; shifted by a cell, its copies add up to 1."""
    side = OVERLAP * cell
    places = (torch.arange(side) + 0.5) / side
    profile = (torch.pi * places).sin().square()
    return torch.outer(profile, profile)


class DecoderNetwork(nn.Module):
    """Features of one layer to an image; the output is not clamped, so that training sees every error."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        channels, widths = config.in_channels, config.widths
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))
        if config.linear_rank:
            kernel = config.linear_kernel
            self.linear_in = nn.Conv2d(channels, config.linear_rank, kernel, padding=kernel // 2, bias=False)
            patches = TiledPatches if config.linear_reach == 1 else OverlappingPatches
            self.linear_out = patches(config.linear_rank, config.cell)
        if config.has_branch:
            self.stem = nn.Conv2d(channels, widths[0], 1)
            self.scales = nn.ModuleList(_scale(config, index) for index in range(len(widths)))
            self.to_image = nn.Conv2d(widths[-1], IMAGE_CHANNELS * config.subpixels**2, 3, padding=1)
            for parameter in self.to_image.parameters():
                nn.init.zeros_(parameter)  # Training starts at the linear head's picture, or at a constant.

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"], *, is_enlarged: bool = True
    ) -> Images:
        """Decode features; without ``is_enlarged`` the picture stays as small as the network draws it."""
        images = self._draw((self.prepare(features) - self.mean) / self.std)
        if self.config.enlargement == 1 or not is_enlarged:
            return images
        return functional.interpolate(images, scale_factor=self.config.enlargement, mode="bicubic")

    def prepare(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        """Return what is standardised: the features, or their square roots."""
        return features.clamp_min(0).sqrt() if self.config.has_root else features

    def _draw(self, standardised: Float[Tensor, "batch channels rows columns"]) -> Images:
        if not self.config.has_branch:
            return self._head(standardised)
        images = self._branch(standardised)
        return images + self._head(standardised) if self.config.linear_rank else images

    def _head(self, standardised: Float[Tensor, "batch channels rows columns"]) -> Images:
        return self.linear_out(self.linear_in(standardised))

    def _branch(self, standardised: Float[Tensor, "batch channels rows columns"]) -> Images:
        x = self.stem(standardised)
        for scale in self.scales:
            x = scale(x)
        return functional.pixel_shuffle(self.to_image(functional.silu(x)), self.config.subpixels)


def _scale(config: DecoderConfig, index: int) -> nn.Sequential:
    """Double the resolution (except at the first scale), then refine."""
    width = config.widths[index]
    blocks = [ResidualBlock(width) for _ in range(config.blocks[index])]
    if index == 0:
        return nn.Sequential(*blocks)
    # The last doubling has no block behind it to blend neighbouring cells: it looks at neighbours itself.
    kernel = 1 if config.blocks[index] else 3
    return nn.Sequential(Upsample(config.widths[index - 1], width, kernel), *blocks)
