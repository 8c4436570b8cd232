"""What a decoder network looks like: one small family, described by data."""

from collections.abc import Mapping
from dataclasses import dataclass

IMAGE_CHANNELS = 3
LINEAR_RANK = 256  # Of a head that stands alone.
OVERLAP = 2  # Cells along the side of a patch that blends with its neighbours.


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """The shape of one decoder.

    ``widths`` and ``blocks`` name the channels and residual blocks at each scale, from the feature map's
    resolution, doubling each time, up to the picture's; widths of 0 mean no convolutional branch. A
    ``linear_rank`` of 0 means no linear head. At the end the picture is enlarged ``enlargement`` times along
    each side. With ``has_root`` the network sees the square root of the features, whose few large values
    would else outweigh the rest. The branch ends ``subpixels`` times coarser than the picture, and its last
    convolution draws that many pixels by that many at each position. With a ``linear_reach`` of 2 the head's
    patches are two cells wide and blend with their neighbours', so that no border shows between them.
    """

    layer: str
    in_channels: int
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    linear_rank: int
    linear_kernel: int = 1
    enlargement: int = 1
    has_root: bool = False
    subpixels: int = 1
    linear_reach: int = 1

    def __post_init__(self) -> None:
        if self.linear_reach not in (1, OVERLAP):
            raise ValueError(f"linear_reach is {self.linear_reach}; it must be 1 or {OVERLAP}.")
        if len(self.widths) != len(self.blocks):
            raise ValueError(f"{len(self.widths)} widths need as many block counts, not {len(self.blocks)}.")

    @property
    def cell(self) -> int:
        """Pixels that the network draws per position of the feature map, along one side."""
        return 2 ** (len(self.widths) - 1) * self.subpixels

    @property
    def stride(self) -> int:
        """Pixels of the picture per position of the feature map, along one side."""
        return self.cell * self.enlargement

    @property
    def has_branch(self) -> bool:
        """Whether there is more than a linear head."""
        return self.widths[0] > 0

    def without_branch(self) -> "DecoderConfig":
        """Describe the linear head alone, at a rank that loses next to nothing."""
        none = (0,) * self.stride.bit_length()
        rank = min(LINEAR_RANK, IMAGE_CHANNELS * self.stride**2)
        return DecoderConfig(self.layer, self.in_channels, none, none, rank, self.linear_kernel)


# Parameters sit at the low resolutions: they buy the prior that deep layers need, at little arithmetic.
# layer4 has no linear head: 1.3 M weights for 32 x 32 patches, each predicted from one position, badly. What
# can be told from its features fits into 28 x 28 pixels (14 x 14 measured the same).
ARCHITECTURES: Mapping[str, DecoderConfig] = {
    "layer1": DecoderConfig("layer1", 256, (112, 56, 16), (5, 1, 0), 48, 3),
    "layer2": DecoderConfig("layer2", 512, (208, 112, 48, 16), (4, 2, 1, 0), 192, 3),
    "layer3": DecoderConfig(
        "layer3", 1024, (304, 192, 96, 48), (3, 2, 1, 1), 256, subpixels=2, linear_reach=OVERLAP
    ),
    "layer4": DecoderConfig("layer4", 2048, (304, 160, 48), (2, 1, 0), 0, enlargement=8, has_root=True),
}
