"""What a camera wrote beside the pixels: which way up they are, in which colours. Only read."""

from typing import Any

import PIL.Image
from PIL.ExifTags import IFD, Base, Interop
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

ADOBE_RGB = 2  # No value of the standard, but of some cameras.


def find_turn(image: PIL.Image.Image) -> Transpose | None:
    """Load an image and tell how its orientation tag says it has to be turned; None where it is upright."""
    image.load()  # Some formats say only then how they are turned, or turn themselves.
    return TURNS.get(_read_tag(image, Base.Orientation))


def is_adobe_rgb(image: PIL.Image.Image) -> bool:
    """Whether a camera says so without a profile: by Exif 2.3's rule (R03), or by a colour space of 2."""
    return (
        _read_tag(image, Interop.InteropIndex, IFD.Interop) == "R03"
        or _read_tag(image, Base.ColorSpace, IFD.Exif) == ADOBE_RGB
    )


def _read_tag(image: PIL.Image.Image, tag: int, directory: IFD | None = None) -> Any:  # noqa: ANN401 - a number, or whatever else the file has
    try:
        tags = image.getexif()
        return (tags if directory is None else tags.get_ifd(directory)).get(tag)
    except Exception:  # Pillow's reader of tags raises almost anything about a damaged block of them.
        return None
