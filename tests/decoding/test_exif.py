"""A photo is upright however its camera was held, and whatever else its camera has noted."""

import numpy as np
import PIL.Image
import pytest

from explorer.decoding.decode import decode
from explorer.decoding.exif import TURNS
from tests.support.photos import ODD_TAGS, Tag, cat, encode, exif, tiff

# How a camera that was held so has stored an upright picture.
STORED = {turn: PIL.Image.Transpose(turn) for turn in TURNS.values()} | {
    PIL.Image.Transpose.ROTATE_270: PIL.Image.Transpose.ROTATE_90,
    PIL.Image.Transpose.ROTATE_90: PIL.Image.Transpose.ROTATE_270,
}
LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}}
UPRIGHT = cat(64, 48)
SQUARE = decode(encode(UPRIGHT, "PNG"), 48).pixels


@pytest.mark.parametrize("file_format", LOSSLESS)
@pytest.mark.parametrize("orientation", TURNS)
def test_every_orientation_is_undone_to_the_pixel(file_format: str, orientation: int) -> None:
    stored = UPRIGHT.transpose(STORED[TURNS[orientation]])
    content = encode(stored, file_format, exif=exif(orientation), **LOSSLESS[file_format])
    assert np.array_equal(decode(content, 48).pixels, SQUARE)


@pytest.mark.parametrize("orientation", [0, 1, 9, 65_535])
def test_an_orientation_that_means_nothing_turns_nothing(orientation: int) -> None:
    assert np.array_equal(decode(encode(UPRIGHT, "PNG", exif=exif(orientation)), 48).pixels, SQUARE)


@pytest.mark.parametrize("file_format", ["JPEG", *LOSSLESS])
@pytest.mark.parametrize("name", ODD_TAGS)
def test_a_turned_photo_with_an_odd_tag_is_turned_as_without_it(file_format: str, name: str) -> None:
    stored = UPRIGHT.transpose(PIL.Image.Transpose.ROTATE_90)

    def write(place: int = 0, *tags: Tag) -> bytes:
        if file_format == "TIFF":
            return tiff(stored, 6, place, *tags)
        return encode(stored, file_format, exif=exif(6, place, *tags), **LOSSLESS.get(file_format, {}))

    place, tag = ODD_TAGS[name]
    assert np.array_equal(decode(write(place, tag), 48).pixels, decode(write(), 48).pixels)
    assert file_format == "JPEG" or np.array_equal(decode(write(), 48).pixels, SQUARE)


@pytest.mark.parametrize(
    "block", [b"", b"Exif\x00\x00", b"Exif\x00\x00II", b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"]
)
def test_a_photo_with_a_damaged_block_of_tags_is_read_as_it_lies(block: bytes) -> None:
    assert np.array_equal(decode(encode(UPRIGHT, "PNG", exif=block), 48).pixels, SQUARE)
