"""THE image convention, and everything that turns pictures into it and back.

Images are float RGB in [0, 1], NCHW, everywhere. Files are decoded in `decoding`; from there on conversion to
and from pixels, PNG and JPEG happens here and nowhere else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from explorer.decoding.decode import MAX_FILE_BYTES, Decoded, ImageError
from explorer.decoding.pool import decode_apart
from explorer.decoding.square import CENTRE, Crop, Pixels, crop_square
from explorer.files import printable

Images = Float[Tensor, "batch 3 height width"]

SIZE = 224  # The side at which ImageNet networks are trained and reported.


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready for the trunk: one image of the asked size, with what the user should know about it."""

    name: str
    images: Images
    notice: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.images.shape[2:]
        return height, width


def read_picture(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    size: int = SIZE,
    crop: Crop = CENTRE,
    decoder: Callable[[bytes, int, Crop], Decoded] = decode_apart,
) -> Picture:
    """Read a square of a file or its bytes, by default in a process with limits of time and memory.

    The name defaults to the file's stem, the square to the largest in the centre; `decode` as decoder is for
    one's own files.

    Raises:
        ImageError: it is no usable picture; the message says what to do.
    """
    if isinstance(source, str | Path):
        name = name or Path(source).stem
        source = _read_file(Path(source))
    decoded = decoder(source, size, crop)
    return Picture(printable(name or "picture"), to_images(decoded.pixels), decoded.notice)


def prepare(image: PIL.Image.Image, size: int = SIZE, crop: Crop = CENTRE) -> Images:
    """Resize a square of an RGB image to `size`, by default its largest, in the centre."""
    return to_images(crop_square(image, size, crop=crop))


def to_images(pixels: Pixels) -> Images:
    """Turn 8-bit pixels into a batch of one image."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float().div(255).contiguous()


def quantise(images: Images) -> Images:
    """Round to the 8-bit values that a PNG keeps, so that what is scored is exactly what is saved."""
    return _to_bytes(images).to(images.dtype) / 255


def to_pil(images: Images) -> PIL.Image.Image:
    """Convert the first image of the batch."""
    return PIL.Image.fromarray(to_pixels(images))


def to_pixels(images: Images) -> Pixels:
    """Convert the first image of the batch to 8 bits."""
    return np.ascontiguousarray(_to_bytes(images[:1])[0].permute(1, 2, 0).cpu().numpy())


def encode_jpeg(picture: Images | Pixels, quality: int = 80) -> bytes:
    """Encode the first image of the batch, or pixels, for the screen."""
    image = to_pil(picture) if isinstance(picture, Tensor) else PIL.Image.fromarray(picture)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def decode_jpeg(content: bytes) -> Pixels:
    """Read back what `encode_jpeg` has written."""
    return np.asarray(PIL.Image.open(BytesIO(content)))


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


def _to_bytes(images: Images) -> UInt8[Tensor, "batch 3 height width"]:
    return (images.detach().clamp(0, 1) * 255).round().to(torch.uint8)
