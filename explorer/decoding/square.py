"""The square of a picture that a network is given, or all of it, also where it was read smaller."""

import math
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image
from jaxtyping import UInt8
from PIL.Image import Transpose

Pixels = UInt8[np.ndarray, "height width 3"]

SWAPPING = (Transpose.TRANSPOSE, Transpose.ROTATE_90, Transpose.ROTATE_270, Transpose.TRANSVERSE)
# What turns a row's, or a column's, end to its beginning.
FROM_RIGHT = (Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.ROTATE_270, Transpose.TRANSVERSE)
FROM_BELOW = (Transpose.FLIP_TOP_BOTTOM, Transpose.ROTATE_180, Transpose.ROTATE_90, Transpose.TRANSVERSE)

MAX_TEXT = 60  # Of a crop that is written out.


@dataclass(frozen=True, slots=True)
class Extent:
    """What an image stands for: a picture of `full` pixels, each of the image's pixels for `reduced` squared.

    Where the sides are no multiples of that, the image's last row and column stand for fewer, or once it is
    turned its first: then the picture begins `lead` pixels into the image.
    """

    full: tuple[int, int]
    reduced: int = 1
    lead: tuple[int, int] = (0, 0)

    def turn(self, turn: Transpose) -> "Extent":
        """Give the extent of the image when it is turned so, from how it was read."""
        full = self.full[::-1] if turn in SWAPPING else self.full
        left, top = (-side % self.reduced for side in full)
        return replace(self, full=full, lead=(left * (turn in FROM_RIGHT), top * (turn in FROM_BELOW)))

    def reduce(self, factor: int) -> "Extent":
        """Give the extent of the image when it is reduced further."""
        return replace(self, reduced=self.reduced * factor)


@dataclass(frozen=True, slots=True)
class Crop:
    """Where the square lies: its centre as shares of width and height, its side as a share of the short side.

    A square that would stand out of the picture is moved inside.
    """

    x: float = 0.5
    y: float = 0.5
    side: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.x <= 1 and 0 <= self.y <= 1 and 0 < self.side <= 1):
            raise ValueError("a crop is x, y and side from 0 to 1, the side above 0")

    @classmethod
    def parse(cls, text: str) -> "Crop":
        """Read `X,Y,SIDE`; raises ValueError for another text."""
        shares = text.split(",", 3)
        if len(shares) != 3 or len(text) > MAX_TEXT:
            raise ValueError("a crop is three shares")
        return cls(*map(float, shares))

    def write(self) -> str:
        """Write `X,Y,SIDE`, with as many digits as the page chooses squares with."""
        return ",".join(f"{round(share, 4):g}" for share in (self.x, self.y, self.side))


CENTRE = Crop()


def crop_square(
    image: PIL.Image.Image, size: int, extent: Extent | None = None, crop: Crop = CENTRE
) -> Pixels:
    """Resize a square of an RGB image to `size` (antialiased bicubic), by default its largest, in the centre.

    An image that is `size` x `size` already keeps its pixels to the bit.
    """
    extent = extent or Extent(image.size)
    scale = size / (crop.side * min(extent.full))
    resized = [max(size, round(side * scale)) for side in extent.full]
    start = [
        min(max(0, math.floor(centre * side - size / 2)), side - size)
        for centre, side in zip((crop.x, crop.y), resized, strict=True)
    ]
    # Only the crop is computed: resizing all of a 32 x 1,000,000 picture would fill the memory.
    sides = list(zip(extent.full, resized, strict=True))
    left, top = (
        (begin * old / new + lead) / extent.reduced
        for begin, (old, new), lead in zip(start, sides, extent.lead, strict=True)
    )
    width, height = (size * old / new / extent.reduced for old, new in sides)
    box = (left, top, left + width, top + height)
    return np.array(image.resize((size, size), PIL.Image.Resampling.BICUBIC, box=box))


def shrink(image: PIL.Image.Image, longest: int, extent: Extent | None = None) -> Pixels:
    """Resize all of an RGB image so that no side has more than `longest` pixels; a smaller one stays."""
    extent = extent or Extent(image.size)
    scale = min(1.0, longest / max(extent.full))
    width, height = (max(1, round(side * scale)) for side in extent.full)
    left, top = (lead / extent.reduced for lead in extent.lead)
    right, bottom = (
        (lead + side) / extent.reduced for lead, side in zip(extent.lead, extent.full, strict=True)
    )
    box = (left, top, right, bottom)
    return np.array(image.resize((width, height), PIL.Image.Resampling.BICUBIC, box=box))
