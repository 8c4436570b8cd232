"""What a camera wrote beside the pixels: which way up they are. It is read, and never written back."""

from typing import Any

import PIL.Image
from PIL.ExifTags import Base
from PIL.Image import Transpose

TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def turn_upright(image: PIL.Image.Image) -> PIL.Image.Image:
    """Load an image and turn it as its orientation tag says; without one that can be read it is upright.

    An image that is turned is closed.
    """
    image.load()  # Some formats say only then how they are turned, or turn themselves.
    turn = TURNS.get(_orientation(image))
    if turn is None:
        return image
    turned = image.transpose(turn)
    image.close()  # Frees the pixels as they lay.
    return turned


def _orientation(image: PIL.Image.Image) -> Any:  # noqa: ANN401 - a number, or whatever else the file has
    try:
        return image.getexif().get(Base.Orientation)
    except Exception:  # Pillow's reader of tags raises almost anything about a damaged block of them.
        return None
