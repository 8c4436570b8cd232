"""Photos as phones and cameras write them, made by code: the notes and tails that lie around the pixels."""

import struct
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import skimage.data

ORIENTATION = 0x0112
EXIF_DIRECTORY, GPS_DIRECTORY = 0x8769, 0x8825


class Tag(NamedTuple):
    """One entry of an EXIF directory, with its value as the file has it."""

    number: int
    kind: int
    amount: int
    value: bytes


# What is not as the standard says: a text for numbers, no value, a denominator of zero, bytes for a word.
ODD_TAGS = {
    "GPS version as text": (GPS_DIRECTORY, Tag(0, 2, 5, b"2.3.0")),
    "GPS latitude over zero": (GPS_DIRECTORY, Tag(2, 5, 3, struct.pack("<6I", 47, 0, 22, 0, 0, 0))),
    "GPS altitude as a float": (GPS_DIRECTORY, Tag(6, 11, 1, struct.pack("<f", float("nan")))),
    "resolution over zero": (0, Tag(0x011A, 5, 1, struct.pack("<2I", 300, 0))),
    "resolution unit as three bytes": (0, Tag(0x0128, 1, 3, b"\x02\x00\x01")),
    "software as a number": (0, Tag(0x0131, 4, 1, struct.pack("<I", 7))),
    "exposure as a word": (EXIF_DIRECTORY, Tag(0x829A, 3, 1, struct.pack("<H", 60))),
    "shutter as an unsigned fraction of none": (EXIF_DIRECTORY, Tag(0x9201, 5, 0, b"")),
    "comment as doubles": (EXIF_DIRECTORY, Tag(0x9286, 12, 2, struct.pack("<2d", 1.0, float("inf")))),
    "maker's note of another directory's kind": (EXIF_DIRECTORY, Tag(0x927C, 13, 1, b"\xff\xff\xff\x7f")),
    "interoperability outside the file": (EXIF_DIRECTORY, Tag(0xA005, 4, 1, b"\xff\xff\xff\xff")),
}


def cat(width: int, height: int) -> PIL.Image.Image:
    """A photo of scikit-image, which has no colour profile: sRGB."""
    return PIL.Image.fromarray(skimage.data.chelsea()).resize((width, height))


def psnr_db(pixels: np.ndarray, truth: np.ndarray) -> float:
    """The peak signal-to-noise ratio of 8-bit pixels, by its definition."""
    error = ((pixels.astype(float) - truth) ** 2).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def encode(image: PIL.Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def exif(orientation: int, place: int = 0, *tags: Tag) -> bytes:
    """An EXIF block with an orientation and, in its main directory (0) or one below, further tags."""
    return b"Exif\x00\x00" + _directories([_word(ORIENTATION, orientation)], place, tags)


def tiff(image: PIL.Image.Image, orientation: int, place: int = 0, *tags: Tag) -> bytes:
    """The same of an RGB image in a TIFF, whose own directory is the main one."""
    pixels = image.tobytes()
    own = [_word(256, image.width), _word(257, image.height), _word(258, 8), _word(259, 1), _word(262, 2)]
    own += [_word(277, 3), _word(278, image.height), Tag(279, 4, 1, struct.pack("<I", len(pixels)))]
    own += [_word(ORIENTATION, orientation)]
    start = len(_directories([*own, Tag(273, 4, 1, bytes(4))], place, tags))
    return _directories([*own, Tag(273, 4, 1, struct.pack("<I", start))], place, tags) + pixels


def segments(marker: int, contents: Iterator[bytes]) -> bytes:
    """Segments of a JPEG, as they lie behind its first two bytes."""
    return b"".join(
        bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content for content in contents
    )


def _word(number: int, value: int) -> Tag:
    return Tag(number, 3, 1, struct.pack("<H", value))


def _directories(main: list[Tag], place: int, tags: Sequence[Tag]) -> bytes:
    head = b"II*\x00\x08\x00\x00\x00"
    if place == 0:
        return head + _directory([*main, *tags], 8)
    start = 8 + len(_directory([*main, Tag(place, 4, 1, bytes(4))], 8))
    pointer = Tag(place, 4, 1, struct.pack("<I", start))
    return head + _directory([*main, pointer], 8) + _directory(tags, start)


def _directory(tags: Sequence[Tag], start: int) -> bytes:
    """An image file directory that begins `start` bytes after the header of its block."""
    entries, values, place = b"", b"", start + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        value = tag.value.ljust(4, b"\x00")
        if len(tag.value) > 4:
            value = struct.pack("<I", place + len(values))
            values += tag.value + bytes(len(tag.value) % 2)
        entries += struct.pack("<HHI", tag.number, tag.kind, tag.amount) + value
    return struct.pack("<H", len(tags)) + entries + bytes(4) + values
