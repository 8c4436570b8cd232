"""Numbers of every kind become the levels that they mean, or the picture is refused with what to do."""

import numpy as np
import PIL.Image
import pytest

from explorer.decoding.decode import ImageError, decode
from explorer.decoding.samples import KEYED, PLANES
from tests.support.photos import encode
from tests.support.samples import RGB, WHITE_IS_ZERO, keyed_png, sample_tiff

SIDE = 64
RAMP = np.tile(np.linspace(0, 1, SIDE), (SIDE, 1))
LEVELS = np.repeat((RAMP * 255).round()[..., None], 3, axis=-1)
COLOURS = np.stack([RAMP, RAMP.T, 1 - RAMP], axis=-1)


def whole(values: np.ndarray, kind: str) -> np.ndarray:
    return (values * np.iinfo(kind).max).round().astype(kind)


MEANING_THE_RAMP = {
    "16 bits": sample_tiff(whole(RAMP, "u2")),
    "16 bits, zero is white": sample_tiff(whole(1 - RAMP, "u2"), WHITE_IS_ZERO),
    "16 bits with a sign": sample_tiff(whole(RAMP, "i2")),
    "32 bits": sample_tiff(whole(RAMP, "u4")),
    "32 bits to 65,535": sample_tiff((RAMP * 65_535).round().astype("u4")),
    "32 bits with a sign to 65,535": sample_tiff((RAMP * 65_535).round().astype("i4")),
    "floats": sample_tiff(RAMP.astype("f4")),
    "floats, zero is white": sample_tiff((1 - RAMP).astype("f4"), WHITE_IS_ZERO),
}


@pytest.mark.parametrize("name", MEANING_THE_RAMP)
def test_grey_of_every_kind_of_number_is_what_it_means(name: str) -> None:
    decoded = decode(MEANING_THE_RAMP[name], SIDE)
    assert np.abs(decoded.pixels - LEVELS).max() <= 1
    assert decoded.notice is None


def test_colours_of_16_bits_are_what_they_mean_or_refused() -> None:
    samples = whole(COLOURS, "u2")
    assert np.abs(decode(sample_tiff(samples, RGB), SIDE).pixels - COLOURS * 255).max() <= 1
    with pytest.raises(ImageError) as refusal:
        decode(sample_tiff(samples, RGB, by_planes=True), SIDE)
    assert str(refusal.value) == PLANES


def test_colours_of_8_bits_are_read_plane_by_plane() -> None:
    content = sample_tiff(whole(COLOURS, "u1"), RGB, by_planes=True)
    assert np.abs(decode(content, SIDE).pixels - COLOURS * 255).max() <= 0.5


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("place", [0, 20, SIDE - 1])
def test_a_transparent_grey_is_white_and_no_other_is(depth: int, place: int) -> None:
    most = 2**depth - 1
    samples = (RAMP * most).round().astype(int)
    key = int(samples[0, place])
    levels = np.where(samples == key, 255, samples * 255 / most)[..., None]
    assert np.abs(decode(keyed_png(samples, depth, key), SIDE).pixels - levels).max() <= 1


def test_a_transparent_colour_of_16_bits_is_refused() -> None:
    samples = whole(COLOURS, "u2")
    with pytest.raises(ImageError) as refusal:
        decode(keyed_png(samples, 16, *samples[10, 20].tolist()), SIDE)
    assert str(refusal.value) == KEYED


@pytest.mark.parametrize(
    ("content", "levels", "notice"),
    [
        (
            sample_tiff((RAMP * 255).astype("f4")),
            RAMP * 255,
            "0 to 255: 0 is read as black and 255 as white.",
        ),
        (sample_tiff((RAMP * 4).astype("f4")), RAMP * 4, "0 to 4: 0 is read as black and 255 as white."),
        (
            sample_tiff((RAMP - 0.5).astype("f4")),
            (RAMP - 0.5).clip(0) * 255,
            "-0.5 to 0.5: 0 is read as black and 1 as white.",
        ),
        (
            sample_tiff((RAMP * 4095).round().astype("u2")),
            RAMP * 4095 / 257,
            "0 to 4095: 0 is read as black and 65535 as white.",
        ),
        (
            sample_tiff((RAMP * 1e6).round().astype("u4")),
            RAMP * 255,
            "0 to 1e+06: 0 is read as black and 1e+06 as white.",
        ),
        (
            sample_tiff(((1 - RAMP) * 255).astype("f4"), WHITE_IS_ZERO),
            RAMP * 255,
            "0 to 255: 0 is read as white and 255 as black.",
        ),
    ],
    ids=["to 255", "to 4", "below zero", "12 bits in 16", "20 bits in 32", "zero is white"],
)
def test_where_white_is_in_doubt_a_line_says_what_was_assumed(
    content: bytes, levels: np.ndarray, notice: str
) -> None:
    decoded = decode(content, SIDE)
    assert np.abs(decoded.pixels - levels[..., None]).max() <= 1
    assert decoded.notice == f"Its values reach from {notice}"


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_changes_no_other(odd: float) -> None:
    samples = RAMP.astype("f4")
    samples[0, 0] = odd
    assert np.abs(decode(sample_tiff(samples), SIDE).pixels - LEVELS)[1:].max() <= 1


def test_a_black_picture_of_16_bits_is_black_without_a_word() -> None:
    decoded = decode(encode(PIL.Image.fromarray(np.zeros((64, 64), np.uint16)), "PNG"), SIDE)
    assert (int(decoded.pixels.max()), decoded.notice) == (0, None)
