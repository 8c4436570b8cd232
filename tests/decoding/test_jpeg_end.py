"""A JPEG that lacks its end marker alone is read with a line; one that was cut short is refused."""

import numpy as np
import PIL.Image
import pytest

from explorer.decoding.decode import UNREADABLE, ImageError, decode
from explorer.decoding.jpeg_end import LACKS_END
from tests.support.photos import cat, encode

END = b"\xff\xd9"
WAYS = {
    "plain": {},
    "with all colours": {"subsampling": 0},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_rows": 1},
    "with many restarts": {"restart_marker_blocks": 3},
}
SIDES = {"landscape": (400, 300), "portrait": (300, 800), "of odd sides": (401, 303)}


def photo(way: str, sides: str = "landscape", mode: str = "RGB") -> bytes:
    return encode(cat(*SIDES[sides]).convert(mode), "JPEG", quality=80, **WAYS[way])


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kept", [0, 1])
def test_a_photo_without_its_end_marker_is_the_photo(way: str, sides: str, mode: str, kept: int) -> None:
    whole = photo(way, sides, mode)
    assert whole.endswith(END)
    decoded = decode(whole[: len(whole) - len(END) + kept], 224)
    assert np.array_equal(decoded.pixels, decode(whole, 224).pixels)
    assert decoded.notice == LACKS_END


@pytest.mark.parametrize("way", [way for way in WAYS if way != "progressive"])
@pytest.mark.parametrize(
    ("sides", "share"),
    [("landscape", 0.1), ("landscape", 0.9), ("portrait", 0.1), ("portrait", 0.2), ("portrait", 0.5)],
)
def test_a_photo_that_was_cut_short_is_refused(way: str, sides: str, share: float) -> None:
    """Also where it was cut above the square of a portrait, and the next restart is above it, too."""
    whole = photo(way, sides)
    with pytest.raises(ImageError) as refusal:
        decode(whole[: int(len(whole) * share)], 224)
    assert str(refusal.value) == UNREADABLE


def test_a_portrait_that_was_cut_below_its_square_is_read() -> None:
    whole = photo("plain", "portrait")
    decoded = decode(whole[: int(len(whole) * 0.9)], 224)
    assert np.array_equal(decoded.pixels, decode(whole, 224).pixels)
    assert decoded.notice == LACKS_END


def test_an_end_that_a_note_swallows_is_none() -> None:
    start = photo("plain")[:2]
    with pytest.raises(ImageError):
        decode(start + b"\xff\xe7\xff\xff" + photo("plain")[2:200], 224)


def test_a_notice_of_colours_is_kept_beside_the_one_of_the_end() -> None:
    content = encode(PIL.Image.new("RGB", (64, 64)), "JPEG", icc_profile=b"noise" * 40)
    notice = decode(content[:-2], 64).notice
    assert notice is not None
    assert notice.startswith(f"{LACKS_END} Its colour profile")
