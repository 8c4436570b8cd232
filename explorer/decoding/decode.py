"""From a picture file to the pixels of a square, in the memory that one copy of the picture takes, or two.

No torch: the processes that decode strangers' files import this file, and start in a quarter of a second.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from explorer.decoding.colour import PASSED_OVER, ProfileError, find_conversion
from explorer.decoding.exif import turn_upright
from explorer.decoding.structure import check_header, check_scans
from explorer.errors import ExplorerError

Pixels = UInt8[np.ndarray, "height width 3"]

MIN_SIDE = 32  # ResNet-50 divides both sides by 32; a smaller picture has nothing left at layer4.
MAX_FILE_BYTES = 60 * 2**20
MAX_PIXELS = 40_000_000  # Two copies of such a picture, and its file, take less than half a gigabyte.
REDUCED = 4  # How many times as large as the square a picture still is when its colours are converted.
STRIP_ROWS = 256  # Conversions that need room of their own work on so many rows at a time.

# Only plain raster formats: Pillow would hand others (EPS) to outside programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
# An MPO is one photo with previews of it, as some cameras write; its further frames are not an animation.
ANIMATED_FORMATS = ("GIF", "WEBP", "PNG", "TIFF")
FULL_SCALES = (1.0, 255.0, 65535.0)  # The ranges in which numeric (float, integer) pictures are written.

UNREADABLE = "Couldn't read this file as an image. Use JPEG, PNG or WebP."
TOO_LARGE = f"Over {MAX_PIXELS // 1_000_000} megapixels; resize it and try again."
TOO_MANY_BYTES = f"Over {MAX_FILE_BYTES >> 20} MB; save it smaller and try again."
TOO_MUCH_MEMORY = "Decoding this image takes too much memory; resize it and try again."
FIRST_FRAME = "Using the first frame."


class ImageError(ExplorerError):
    """A picture that cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The pixels of a square picture, with what the user should know about it."""

    pixels: Pixels
    notice: str | None = None


def decode(content: bytes, size: int) -> Decoded:
    """Decode a file as a square: upright, over white if transparent, its first frame if animated.

    Raises:
        ImageError: it is no picture, too small, too large (all known before decoding), or does not decode.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ImageError(TOO_MANY_BYTES)
    try:
        check_header(content)
        with PIL.Image.open(BytesIO(content), formats=FORMATS) as image:
            _check_size(*image.size)
            if image.format in ("JPEG", "MPO"):
                check_scans(content, image.width * image.height)
            is_animated = image.format in ANIMATED_FORMATS and getattr(image, "is_animated", False)
            pixels, notice = _to_square(turn_upright(image), size)
    except ImageError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(TOO_LARGE) from error
    except MemoryError as error:
        raise ImageError(TOO_MUCH_MEMORY) from error
    except Exception as error:  # A broken file makes Pillow's decoders raise almost anything.
        raise ImageError(UNREADABLE) from error
    notices = [FIRST_FRAME if is_animated else None, notice]
    return Decoded(pixels, " ".join(filter(None, notices)) or None)


def crop_square(
    image: PIL.Image.Image, size: int, *, full: tuple[int, int] | None = None, reduced: int = 1
) -> Pixels:
    """Resize the short side of an RGB image to `size` (antialiased bicubic) and crop the centre square.

    An image that is `size` x `size` already keeps its pixels to the bit. One that has been `reduced` so many
    times comes with its `full` size: its last row and column may stand for fewer pixels than the others.
    """
    full = full or image.size
    scale = size / min(full)
    resized = [max(size, round(side * scale)) for side in full]
    start = [(side - size) // 2 for side in resized]
    # Only the crop is computed: resizing all of a 32 x 1,000,000 picture would fill the memory.
    left, top = (begin * old / reduced / new for begin, old, new in zip(start, full, resized, strict=True))
    width, height = (size * old / reduced / new for old, new in zip(full, resized, strict=True))
    box = (left, top, left + width, top + height)
    return np.array(image.resize((size, size), PIL.Image.Resampling.BICUBIC, box=box))


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(TOO_LARGE)
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"This image is {width}x{height}; use at least {MIN_SIDE}x{MIN_SIDE}.")


def _to_square(image: PIL.Image.Image, size: int) -> tuple[Pixels, str | None]:
    """Convert an upright image to sRGB and crop it; add what the user should know of its colours."""
    notice = None
    try:
        conversion = find_conversion(image)
    except ProfileError:
        conversion, notice = None, PASSED_OVER
    if conversion is None:
        return crop_square(_to_rgb(image), size), notice
    if conversion.mode != image.mode:
        image = _to_rgb(image).convert(conversion.mode)
    # To convert each pixel of a large picture would take longer than all else.
    reduced = max(1, min(image.size) // (REDUCED * size))
    converted = conversion.apply(image.reduce(reduced))
    return crop_square(converted, size, full=image.size, reduced=reduced), None


def _to_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    image.load()
    if image.mode == "F" or image.mode.startswith("I"):
        return _scale_to_8_bit(image)
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    rgb = PIL.Image.new("RGB", image.size, "white")
    for box in _strips(image):
        strip = image.crop(box)
        if strip.has_transparency_data:
            strip = strip.convert("RGBA")
            strip = PIL.Image.alpha_composite(PIL.Image.new("RGBA", strip.size, "white"), strip)
        rgb.paste(strip.convert("RGB"), box)
    return rgb


def _scale_to_8_bit(image: PIL.Image.Image) -> PIL.Image.Image:
    """Scale a float, 16-bit or 32-bit grey image, which Pillow's own conversion would clip at 255."""
    peak = max(float(_values(image, box).max()) for box in _strips(image))
    scales = FULL_SCALES if image.mode == "F" else FULL_SCALES[-1:]
    full_scale = next((scale for scale in scales if peak <= scale), peak)
    rgb = PIL.Image.new("RGB", image.size)
    for box in _strips(image):
        grey = (_values(image, box) / full_scale * 255).clip(0, 255).round().astype(np.uint8)
        rgb.paste(PIL.Image.fromarray(grey).convert("RGB"), box)
    return rgb


def _values(image: PIL.Image.Image, box: tuple[int, int, int, int]) -> np.ndarray:
    return np.nan_to_num(np.asarray(image.crop(box), dtype=np.float32))


def _strips(image: PIL.Image.Image) -> list[tuple[int, int, int, int]]:
    width, height = image.size
    return [(0, top, width, min(top + STRIP_ROWS, height)) for top in range(0, height, STRIP_ROWS)]
