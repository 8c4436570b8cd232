"""Photos of every colour space look as they should: within what eight bits keep, from the definitions."""

import struct
from typing import Any

import numpy as np
import PIL.Image
import pytest

from explorer.decoding.colour import PASSED_OVER
from explorer.decoding.decode import Decoded, decode
from tests.support import photos
from tests.support.corpus import png_chunk
from tests.support.photos import EXIF_DIRECTORY, cat, encode, exif
from tests.support.spaces import PROFILES, SPACES, grey_profile, in_space, ink_profile, linear

FORMATS = {
    "PNG": {},
    "TIFF": {},
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 97, "subsampling": 0},
}
PHOTO = cat(400, 300)
TRUTH = decode(encode(PHOTO, "PNG"), 224).pixels


def psnr_db(decoded: Decoded, truth: np.ndarray = TRUTH) -> float:
    return photos.psnr_db(decoded.pixels, truth)


def with_chunks(image: PIL.Image.Image, *chunks: bytes) -> bytes:
    content = encode(image, "PNG")
    return content[:33] + b"".join(chunks) + content[33:]


def gamma_chunk(value: int) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", value))


def places_chunk(*places: float) -> bytes:
    return png_chunk(b"cHRM", struct.pack(">8I", *(round(place * 100_000) for place in places)))


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("name", SPACES)
def test_a_photo_with_a_profile_is_the_photo_in_srgb(file_format: str, name: str) -> None:
    options = FORMATS[file_format]
    content = encode(in_space(PHOTO, name), file_format, icc_profile=PROFILES[name], **options)
    decoded = decode(content, 224)
    assert psnr_db(decoded) > (39 if file_format == "JPEG" else 49)
    assert decoded.notice is None


@pytest.mark.parametrize("turned", [None, 6])
def test_a_large_photo_with_a_profile_is_the_photo_in_srgb(turned: int | None) -> None:
    """Also where its sides are no multiples of what it is reduced by: here 6."""
    photo = cat(2001, 1499)
    stored = in_space(photo, "P3")
    stored = stored.transpose(PIL.Image.Transpose.ROTATE_90) if turned else stored
    content = encode(stored, "TIFF", icc_profile=PROFILES["P3"], exif=exif(turned or 1))
    assert psnr_db(decode(content, 56), decode(encode(photo, "TIFF"), 56).pixels) > 49


def test_a_red_that_srgb_lacks_becomes_its_red() -> None:
    red = PIL.Image.new("RGB", (64, 64), (255, 0, 0))
    assert decode(encode(red, "PNG", icc_profile=PROFILES["P3"]), 64).pixels[9, 9].tolist() == [255, 0, 0]


@pytest.mark.parametrize("mode", ["P", "RGBA", "L", "LA"])
def test_a_profile_counts_for_palettes_transparent_and_grey_pixels(mode: str) -> None:
    stored = in_space(PHOTO.convert("L").convert("RGB"), "linear light").convert("L")
    image = stored.convert("RGB").quantize(256) if mode == "P" else stored.convert(mode)
    truth = decode(encode(PHOTO.convert("L"), "PNG"), 224).pixels
    plain = psnr_db(decode(encode(image, "PNG"), 224), truth)
    assert plain < 15
    assert psnr_db(decode(encode(image, "PNG", icc_profile=PROFILES["linear light"]), 224), truth) > 35


@pytest.mark.parametrize("depth", [8, 16])
def test_a_grey_profile_counts_for_grey_pixels(depth: int) -> None:
    grey = PHOTO.convert("L")
    light = linear(np.asarray(grey) / 255) * (2**depth - 1)
    stored = PIL.Image.fromarray(light.round().astype(np.uint8 if depth == 8 else np.uint16))
    decoded = decode(encode(stored, "PNG", icc_profile=grey_profile(1.0)), 224)
    assert psnr_db(decoded, decode(encode(grey, "PNG"), 224).pixels) > 40
    assert decoded.notice is None


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_inks_look_as_their_profile_says(file_format: str) -> None:
    """This press prints cyan in L 53, a 80, b 67, which is sRGB's red."""
    inks = PIL.Image.new("CMYK", (64, 64), (255, 0, 0, 0))
    profile = ink_profile((round(53.2 * 2.55), 128 + 80, 128 + 67))
    red, green, blue = decode(encode(inks, file_format, icc_profile=profile), 64).pixels[9, 9].tolist()
    assert (red > 250, green < 15, blue < 15) == (True, True, True)


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_a_png_s_gamma_counts(gamma: float) -> None:
    name = {1.0: "linear light", 1.8: "an old Macintosh"}[gamma]
    assert psnr_db(decode(with_chunks(in_space(PHOTO, name), gamma_chunk(round(100_000 / gamma))), 224)) > 49


def test_a_png_s_primaries_count() -> None:
    places = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
    content = with_chunks(in_space(PHOTO, "P3"), gamma_chunk(45_455), places_chunk(*places))
    assert psnr_db(decode(content, 224)) > 49


@pytest.mark.parametrize(
    "chunks",
    [
        [gamma_chunk(45_455)],
        [gamma_chunk(45_455), places_chunk(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)],
        [gamma_chunk(100_000), png_chunk(b"sRGB", b"\x00")],
        [gamma_chunk(0)],
    ],
    ids=["sRGB's gamma", "sRGB's gamma and places", "sRGB over another gamma", "no gamma"],
)
def test_a_png_that_says_srgb_or_nothing_keeps_its_pixels(chunks: list[bytes]) -> None:
    assert np.array_equal(decode(with_chunks(PHOTO, *chunks), 224).pixels, TRUTH)


@pytest.mark.parametrize("says", [{0xA001: 2}, {0xA005: {1: "R03"}}], ids=["colour space", "index"])
def test_a_camera_s_adobe_rgb_without_a_profile_is_known_by_its_tags(says: dict[int, Any]) -> None:
    stored, tags = in_space(PHOTO, "Adobe RGB"), PIL.Image.Exif()
    assert psnr_db(decode(encode(stored, "PNG"), 224)) < 35
    tags[EXIF_DIRECTORY] = says
    assert psnr_db(decode(encode(stored, "PNG", exif=tags), 224)) > 49


DAMAGED = {
    "noise": bytes(range(256)) * 4,
    "a header alone": PROFILES["P3"][:128],
    "no curve": PROFILES["P3"].replace(b"rTRC", b"xTRC"),
    "cut short": PROFILES["P3"][:-40],
    "of inks": ink_profile((128, 128, 128)),
    "of grey": grey_profile(2.2),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_profile_that_cannot_be_used_is_passed_over_with_a_line(name: str) -> None:
    decoded = decode(encode(PHOTO, "PNG", icc_profile=DAMAGED[name]), 224)
    assert np.array_equal(decoded.pixels, TRUTH)
    assert decoded.notice == PASSED_OVER


def test_places_on_one_line_are_passed_over_with_a_line() -> None:
    decoded = decode(with_chunks(PHOTO, places_chunk(0.3, 0.3, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3)), 224)
    assert np.array_equal(decoded.pixels, TRUTH)
    assert decoded.notice == PASSED_OVER
