"""Grey pictures of floats, 16 or 32 bits become eight bits; what Pillow reads otherwise than meant is mended.

Or it is refused: there is no way round Pillow's own reading of colours of 16 bits.
"""

import numpy as np
import PIL.Image

from explorer.decoding.refusal import ImageError

STRIP_ROWS = 256  # Conversions that need room of their own work on so many rows at a time.
FLOAT_SCALES = (1.0, 255.0, 65535.0)  # The ranges in which floats are written.
# A picture of 16 bits that is darker than that may have had 12.
DIM_PEAK = 4095
PHOTOMETRIC, BITS, PLANAR, SAMPLE_FORMAT = 262, 258, 284, 339  # Tags of TIFF 6.0.
PNG_DEPTH = 24  # Where a PNG says how many bits its samples have.

PLANES = "This TIFF keeps colours of 16 bits plane by plane; save it as PNG, or with 8 bits."
KEYED = "This PNG has 16 bits and makes one colour transparent; save it with 8 bits."
ASSUMED = "Its values reach from {:.6g} to {:.6g}: 0 is read as {} and {:.6g} as {}."

Box = tuple[int, int, int, int]


def check_samples(image: PIL.Image.Image, content: bytes) -> None:
    """Look at an image before it is loaded; scale its transparent grey as Pillow scales the others.

    Raises:
        ImageError: Pillow would read other colours than it has.
    """
    tags = getattr(image, "tag_v2", {})
    if tags.get(PLANAR) == 2 and len(tags.get(BITS, ())) > 1 and max(tags[BITS]) > 8:
        raise ImageError(PLANES)
    if image.format != "PNG" or (key := image.info.get("transparency")) is None:
        return
    depth = content[PNG_DEPTH]
    if isinstance(key, tuple) and depth == 16:
        raise ImageError(KEYED)
    if image.mode == "L":
        image.info["transparency"] = key * 255 // (2**depth - 1)


def to_8_bits(image: PIL.Image.Image) -> tuple[PIL.Image.Image, str | None]:
    """Scale a loaded image of numbers to eight bits, and say what was assumed; leave others as they are."""
    if image.mode != "F" and not image.mode.startswith("I"):
        return image, None
    low, peak = _find_range(image)
    scale, is_usual = _find_scale(image, peak)
    is_inverted = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0 and image.format == "TIFF"
    key = image.info.get("transparency")
    grey = PIL.Image.new("L", image.size)
    for box in strips(image):
        values = _values(image, box)
        levels = ((values / scale).clip(0, 1) * 255).round().astype(np.uint8)
        levels = 255 - levels if is_inverted else levels
        levels[values == key] = 255  # Transparent, so that the white below it shows.
        grey.paste(PIL.Image.fromarray(levels), box)
    grey.info = {name: value for name, value in image.info.items() if name != "transparency"}
    ends = ("white", "black") if is_inverted else ("black", "white")
    return grey, None if is_usual and low >= 0 else ASSUMED.format(low, peak, ends[0], scale, ends[1])


def strips(image: PIL.Image.Image) -> list[Box]:
    """Divide an image into strips of rows."""
    width, height = image.size
    return [(0, top, width, min(top + STRIP_ROWS, height)) for top in range(0, height, STRIP_ROWS)]


def _find_range(image: PIL.Image.Image) -> tuple[float, float]:
    """Find the lowest and the highest value, without those that are no numbers or infinite."""
    lows, peaks = [], []
    for box in strips(image):
        values = _values(image, box)
        finite = values[np.abs(values) < np.finfo(np.float32).max]
        lows.append(finite.min(initial=0))
        peaks.append(finite.max(initial=0))
    return float(min(lows)), float(max(peaks))


def _find_scale(image: PIL.Image.Image, peak: float) -> tuple[float, bool]:
    """Find the value of white, and whether there is no doubt about it."""
    if image.mode == "F":
        scale = next((scale for scale in FLOAT_SCALES if peak <= scale), peak)
        return scale, scale == FLOAT_SCALES[0]
    is_signed = getattr(image, "tag_v2", {}).get(SAMPLE_FORMAT, (1,))[0] == 2
    full = 32767.0 if is_signed and image.tag_v2.get(BITS) == (16,) else 65535.0  # pyright: ignore[reportAttributeAccessIssue]
    if peak > full:
        return peak, peak == 2**32 - 1
    return full, not 0 < peak <= DIM_PEAK


def _values(image: PIL.Image.Image, box: Box) -> np.ndarray:
    """Read the values of a strip: Pillow has unsigned numbers of 32 bits as signed ones."""
    values = np.asarray(image.crop(box))
    tags = getattr(image, "tag_v2", {})
    if image.mode == "I" and tags.get(BITS) == (32,) and tags.get(SAMPLE_FORMAT, (1,))[0] == 1:
        values = values.view(np.uint32)
    return np.nan_to_num(values.astype(np.float64 if image.mode == "I" else np.float32))
