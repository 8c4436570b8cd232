"""From a picture file to the pixels of a square, in the memory that one copy of the picture takes, or two.

No torch: the processes that decode strangers' files import this file, and start in a quarter of a second.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import PIL.Image
from PIL.JpegImagePlugin import JpegImageFile

from explorer.decoding.colour import PASSED_OVER, ProfileError, find_conversion
from explorer.decoding.exif import find_turn
from explorer.decoding.formats import (
    ANIMATED_FORMATS,
    FORMATS,
    JPEGS,
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    MEGAPIXEL,
)
from explorer.decoding.jpeg_end import LACKS_END, CutShortError, end_in_two_ways, has_end
from explorer.decoding.refusal import ImageError
from explorer.decoding.samples import check_samples, strips, to_8_bits
from explorer.decoding.square import CENTRE, Crop, Extent, Pixels, crop_square, shrink
from explorer.decoding.structure import check_header, check_scans, count_scans

MIN_SIDE = 32  # ResNet-50 divides both sides by 32; a smaller picture has nothing left at layer4.
MAX_FILE_BYTES = 60 * 2**20
REDUCED = 4  # How many times as large as the square a picture stays where it is made smaller roughly.

UNREADABLE = "Couldn't read this file as an image. Use JPEG, PNG or WebP."
TOO_LARGE = (
    f"Over {MAX_PIXELS // MEGAPIXEL} megapixels ({MAX_JPEG_PIXELS // MEGAPIXEL} in a JPEG); "
    "resize it and try again."
)
PROGRESSIVE = f"Over {MAX_PIXELS // MEGAPIXEL} megapixels in a progressive JPEG; save it as a plain JPEG."
TOO_MANY_BYTES = f"Over {MAX_FILE_BYTES >> 20} MB; save it smaller and try again."
TOO_MUCH_MEMORY = "Decoding this image takes too much memory; resize it and try again."
FIRST_FRAME = "Using the first frame."


@dataclass(frozen=True, slots=True)
class Decoded:
    """The pixels of a square picture, with what the user should know about it."""

    pixels: Pixels
    notice: str | None = None


def decode(content: bytes, size: int, crop: Crop | None = CENTRE) -> Decoded:
    """Decode a file as a square: upright, over white if transparent, its first frame if animated.

    Without a crop all of it is decoded, no side longer than `size`.

    Raises:
        ImageError: it is no picture, too small, too large (all known before decoding), or does not decode.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ImageError(TOO_MANY_BYTES)
    try:
        check_header(content)
        return _read(content, size, crop)
    except ImageError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(TOO_LARGE) from error
    except MemoryError as error:
        raise ImageError(TOO_MUCH_MEMORY) from error
    except Exception as error:  # A broken file makes Pillow's decoders raise almost anything.
        raise ImageError(UNREADABLE) from error


def check_crop(sides: tuple[int, int], share: float) -> None:
    """Raise ImageError where a square has too few pixels: its side is a share of the short one."""
    side = round(share * min(sides))
    if side < MIN_SIDE:
        raise ImageError(f"The square has {side} pixels a side; take one of at least {MIN_SIDE}.")


def _read(content: bytes, size: int, crop: Crop | None, *, may_lack_end: bool = True) -> Decoded:
    with PIL.Image.open(BytesIO(content), formats=FORMATS) as stored:
        _check_size(stored)
        if may_lack_end and isinstance(stored, JpegImageFile) and not has_end(content):
            return _read_without_end(stored, content, size, crop)
        prepared = _prepare_jpeg(stored, content, size / _share(crop)) if stored.format in JPEGS else None
        check_samples(stored, content)
        is_animated = stored.format in ANIMATED_FORMATS and getattr(stored, "is_animated", False)
        turn = find_turn(stored)
        image, assumed = to_8_bits(stored)
        extent = prepared or Extent(stored.size)  # A HEIC's size may be another once it is loaded.
        if turn is not None:
            image, extent = image.transpose(turn), extent.turn(turn)
            stored.close()  # Frees the pixels as they lay.
        check_crop(extent.full, _share(crop))
        pixels, notice = _to_pixels(image, size, extent, crop)
    notices = [FIRST_FRAME if is_animated else None, assumed, notice]
    return Decoded(pixels, " ".join(filter(None, notices)) or None)


def _read_without_end(image: JpegImageFile, content: bytes, size: int, crop: Crop | None) -> Decoded:
    ways = end_in_two_ways(content, image)
    first, second = (_read(ended, size, crop, may_lack_end=False) for ended in ways)
    # All of it is shown for a square to be chosen, which is then looked at.
    if crop is not None and not np.array_equal(first.pixels, second.pixels):
        raise CutShortError("pixels that random bytes have changed")
    return Decoded(first.pixels, " ".join(filter(None, [LACKS_END, first.notice])))


def _check_size(image: PIL.Image.Image) -> None:
    width, height = image.size
    if width * height > (MAX_JPEG_PIXELS if image.format in JPEGS else MAX_PIXELS):
        raise ImageError(TOO_LARGE)
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"This image is {width}x{height}; use at least {MIN_SIDE}x{MIN_SIDE}.")


def _share(crop: Crop | None) -> float:
    """Give how much of the short side is used."""
    return 1.0 if crop is None else crop.side


def _prepare_jpeg(image: PIL.Image.Image, content: bytes, size: float) -> Extent:
    """Have a large JPEG made smaller while it is read; what takes several scans is kept whole meanwhile."""
    full = image.size
    scans = count_scans(content)
    check_scans(scans, min(full[0] * full[1], MAX_PIXELS))
    if full[0] * full[1] <= MAX_PIXELS:
        return Extent(full)
    if scans > 1:
        raise ImageError(PROGRESSIVE)
    image.draft(None, (round(REDUCED * size), round(REDUCED * size)))
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(TOO_LARGE)
    return Extent(full, round(full[0] / image.width))


def _to_pixels(
    image: PIL.Image.Image, size: int, extent: Extent, crop: Crop | None
) -> tuple[Pixels, str | None]:
    """Convert an upright image to sRGB and crop it; add what the user should know of its colours."""
    notice = None
    try:
        conversion = find_conversion(image)
    except ProfileError:
        conversion, notice = None, PASSED_OVER
    if conversion is None:
        return _fit(_to_rgb(image), size, extent, crop), notice
    if conversion.mode != image.mode:
        image = _to_rgb(image).convert(conversion.mode)
    # To convert each pixel of a large picture would take longer than all else.
    factor = max(1, int(_share(crop) * min(image.size)) // (REDUCED * size))
    converted = conversion.apply(image.reduce(factor))
    return _fit(converted, size, extent.reduce(factor), crop), None


def _fit(image: PIL.Image.Image, size: int, extent: Extent, crop: Crop | None) -> Pixels:
    return shrink(image, size, extent) if crop is None else crop_square(image, size, extent, crop)


def _to_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    image.load()
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    rgb = PIL.Image.new("RGB", image.size, "white")
    for box in strips(image):
        strip = image.crop(box)
        if strip.has_transparency_data:
            strip = strip.convert("RGBA")
            strip = PIL.Image.alpha_composite(PIL.Image.new("RGBA", strip.size, "white"), strip)
        rgb.paste(strip.convert("RGB"), box)
    return rgb
