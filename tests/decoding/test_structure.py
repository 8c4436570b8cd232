"""Files that are built to take long are told from photos with long notes, or with a film behind them."""

import random
from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from explorer.decoding.decode import decode
from explorer.decoding.structure import MAX_SCANS, CostlyFileError, check_scans, count_scans
from tests.support.photos import cat, encode, segments

START_OF_SCAN = b"\xff\xda"
MEGABYTE = 2**20
PHOTO = encode(cat(640, 480), "JPEG", quality=80)
SQUARE = decode(PHOTO, 224).pixels
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42" + random.Random(0).randbytes(6 * MEGABYTE)


def large_notes() -> bytes:
    rng = random.Random(1)
    return segments(0xE7, (rng.randbytes(65_533) for _ in range(160)))


AROUND = {
    "a film behind it": PHOTO + FILM,
    "another picture with a film behind it": PHOTO + PHOTO + FILM,
    "large notes": PHOTO[:2] + large_notes() + PHOTO[2:],
    "filling bytes before a marker": PHOTO[:2] + b"\xff" * 1_000 + PHOTO[2:],
}


@pytest.mark.parametrize("name", AROUND)
def test_what_lies_around_a_photo_changes_no_pixel(name: str) -> None:
    assert AROUND[name].count(START_OF_SCAN) > 1 or "filling" in name
    assert np.array_equal(decode(AROUND[name], 224).pixels, SQUARE)


def test_a_phone_s_photo_of_12_megapixels_with_a_film_is_read() -> None:
    photo = encode(cat(4000, 3000), "JPEG", quality=80)
    assert (photo + FILM).count(START_OF_SCAN) > 40  # Times 12 megapixels: more than any scans may pass over.
    check_scans(count_scans(photo + FILM), 12_000_000)


def test_a_large_progressive_photo_is_read() -> None:
    check_scans(count_scans(encode(cat(800, 600), "JPEG", progressive=True)), 39_500_000)


@pytest.mark.parametrize(
    "hidden", [b"", b"\xff" * 9, b"\x00noise\x12", b"\xff\xe7\x00\x04\xff\xd9", b"\xff\xd3"]
)
def test_scans_are_counted_whatever_stands_between_them(hidden: bytes) -> None:
    """A marker of the end inside a note is none: it hides no scans."""
    sound = encode(PIL.Image.new("RGB", (64, 64), "grey"), "JPEG", progressive=True)
    last = sound[sound.rindex(START_OF_SCAN) : -2]
    content = sound[:-2] + (hidden + last) * MAX_SCANS + b"\xff\xd9"
    PIL.Image.open(BytesIO(content)).load()  # The decoder passes over all of them.
    with pytest.raises(CostlyFileError, match=r"1[01]\d scans"):
        check_scans(count_scans(content), 64 * 64)
