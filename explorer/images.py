"""THE image convention, and everything that turns pictures into it and back.

Images are float RGB in [0, 1], NCHW, everywhere. User input is read here, with clear errors for what cannot
be read; conversion to PIL, PNG and JPEG happens here and nowhere else.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from explorer.errors import ExplorerError

Images = Float[Tensor, "batch 3 height width"]

SIZE = 224  # The side at which ImageNet networks are trained and reported.
MIN_SIDE = 32  # ResNet-50 divides both sides by 32; a smaller picture has nothing left at layer4.
MAX_FILE_BYTES = 60 * 2**20
MAX_PIXELS = 40_000_000  # Bounds the memory of one upload to about half a gigabyte.

# Only plain raster formats: Pillow would hand others (EPS) to outside programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
# An MPO is one photo with previews of it, as some cameras write; its further frames are not an animation.
ANIMATED_FORMATS = ("GIF", "WEBP", "PNG", "TIFF")
FULL_SCALES = (1.0, 255.0, 65535.0)  # The ranges in which numeric (float, integer) pictures are written.

UNREADABLE = "Couldn't read this file as an image. Use JPEG, PNG or WebP."
TOO_LARGE = f"Over {MAX_PIXELS // 1_000_000} megapixels; resize it and try again."
TOO_MANY_BYTES = f"Over {MAX_FILE_BYTES >> 20} MB; save it smaller and try again."
FIRST_FRAME = "Using the first frame."


class ImageError(ExplorerError):
    """A picture that cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready for the trunk: one image of the asked size, with what the user should know about it."""

    name: str
    images: Images
    notice: str | None = None


def read_picture(
    source: str | Path | bytes | BinaryIO, *, name: str | None = None, size: int = SIZE
) -> Picture:
    """Read a file, its bytes or an open binary file as a square picture.

    The name defaults to the file's stem. Raises ImageError for anything that is not a usable picture.
    """
    if isinstance(source, str | Path):
        name = name or Path(source).stem
        source = _read_file(Path(source))
    if isinstance(source, bytes) and len(source) > MAX_FILE_BYTES:
        raise ImageError(TOO_MANY_BYTES)
    stream = BytesIO(source) if isinstance(source, bytes) else source
    try:
        image = PIL.Image.open(stream, formats=FORMATS)
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(TOO_LARGE) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(UNREADABLE) from error
    return picture_from_pil(image, name=name or "picture", size=size)


def picture_from_pil(image: PIL.Image.Image, *, name: str, size: int = SIZE) -> Picture:
    """Turn any PIL image into a square picture: upright, over white if transparent, first frame if animated.

    Raises ImageError when it is too small, too large (both known before decoding) or does not decode.
    """
    _check_size(*image.size)
    is_animated = image.format in ANIMATED_FORMATS and getattr(image, "is_animated", False)
    try:
        rgb = _to_rgb(PIL.ImageOps.exif_transpose(image))
    except Exception as error:  # A broken file makes Pillow's decoders raise almost anything.
        raise ImageError(UNREADABLE) from error
    return Picture(name=name, images=prepare(rgb, size), notice=FIRST_FRAME if is_animated else None)


def prepare(image: PIL.Image.Image, size: int = SIZE) -> Images:
    """Resize the short side of an RGB image to `size` (antialiased bicubic) and crop the centre square.

    An image that is `size` x `size` already keeps its pixels to the bit.
    """
    scale = size / min(image.size)
    resized = [max(size, round(side * scale)) for side in image.size]
    start = [(side - size) // 2 for side in resized]
    # Only the crop is computed: resizing all of a 32 x 1,000,000 picture would fill the memory.
    left, top = (begin * old / new for begin, old, new in zip(start, image.size, resized, strict=True))
    width, height = (size * old / new for old, new in zip(image.size, resized, strict=True))
    box = (left, top, left + width, top + height)
    return _to_images(image.resize((size, size), PIL.Image.Resampling.BICUBIC, box=box))


def quantise(images: Images) -> Images:
    """Round to the 8-bit values that a PNG keeps, so that what is scored is exactly what is saved."""
    return _to_bytes(images).to(images.dtype) / 255


def to_pil(images: Images) -> PIL.Image.Image:
    """Convert the first image of the batch."""
    return PIL.Image.fromarray(_to_bytes(images[:1])[0].permute(1, 2, 0).cpu().numpy())


def encode_jpeg(images: Images, quality: int = 80) -> bytes:
    """Encode the first image of the batch for the screen."""
    buffer = BytesIO()
    to_pil(images).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def encode_png(images: Images) -> bytes:
    """Encode the first image of the batch without loss (beyond 8 bits)."""
    buffer = BytesIO()
    to_pil(images).save(buffer, "PNG")
    return buffer.getvalue()


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ImageError(f"Couldn't open this file: {error.strerror}.") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(TOO_LARGE)
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"This image is {width}x{height}; use at least {MIN_SIDE}x{MIN_SIDE}.")


def _to_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return _scale_to_8_bit(image).convert("RGB")
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        white = PIL.Image.new("RGBA", opaque.size, "white")
        return PIL.Image.alpha_composite(white, opaque).convert("RGB")
    return image.convert("RGB")


def _scale_to_8_bit(image: PIL.Image.Image) -> PIL.Image.Image:
    """Scale a float, 16-bit or 32-bit grey image, which Pillow's own conversion would clip at 255."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    peak = float(values.max())
    scales = FULL_SCALES if image.mode == "F" else FULL_SCALES[-1:]
    full_scale = next((scale for scale in scales if peak <= scale), peak)
    return PIL.Image.fromarray((values / full_scale * 255).clip(0, 255).round().astype(np.uint8))


def _to_images(image: PIL.Image.Image) -> Images:
    pixels = torch.from_numpy(np.array(image, dtype=np.float32) / 255)
    return pixels.permute(2, 0, 1)[None].contiguous()


def _to_bytes(images: Images) -> UInt8[Tensor, "batch 3 height width"]:
    return (images.detach().clamp(0, 1) * 255).round().to(torch.uint8)
