"""The square that a visitor chooses is the one that is read."""

import numpy as np
import PIL.Image
import pytest

from explorer.decoding.decode import ImageError, decode
from explorer.decoding.pool import decode_apart
from explorer.decoding.square import CENTRE, Crop, crop_square
from tests.support.photos import cat, encode, exif

WIDE = cat(200, 100)


@pytest.mark.parametrize(
    ("crop", "box"),
    [
        (Crop(0.25, 0.5, 0.5), (25, 25, 75, 75)),
        (Crop(0.5, 0.5, 1.0), (50, 0, 150, 100)),
        (Crop(0.0, 1.0, 0.5), (0, 50, 50, 100)),  # It is moved inside.
        (Crop(1.0, 0.0, 0.8), (120, 0, 200, 80)),
    ],
)
def test_a_crop_is_the_square_around_its_centre(crop: Crop, box: tuple[int, int, int, int]) -> None:
    expected = np.asarray(WIDE.crop(box))
    assert np.array_equal(decode(encode(WIDE, "PNG"), len(expected), crop).pixels, expected)


def test_the_centre_is_what_is_taken_without_a_crop() -> None:
    for image in (cat(97, 64), cat(64, 97)):
        assert np.array_equal(crop_square(image, 48), crop_square(image, 48, crop=Crop(0.5, 0.5, 1.0)))


def test_a_turned_photo_is_cropped_as_it_is_seen() -> None:
    stored = WIDE.transpose(PIL.Image.Transpose.ROTATE_90)
    crop = Crop(0.25, 0.5, 0.5)
    turned = decode(encode(stored, "PNG", exif=exif(6)), 50, crop).pixels
    assert np.array_equal(turned, decode(encode(WIDE, "PNG"), 50, crop).pixels)


def test_a_process_apart_takes_the_same_square() -> None:
    content, crop = encode(WIDE, "PNG"), Crop(0.3, 0.6, 0.7)
    assert np.array_equal(decode_apart(content, 64, crop).pixels, decode(content, 64, crop).pixels)
    assert not np.array_equal(decode(content, 64, crop).pixels, decode(content, 64, CENTRE).pixels)


def test_all_of_a_photo_is_shown_upright_and_no_larger_than_wanted() -> None:
    stored = WIDE.transpose(PIL.Image.Transpose.ROTATE_90)
    content = encode(stored, "PNG", exif=exif(6))
    assert np.array_equal(decode(content, 200, None).pixels, np.asarray(WIDE))
    assert np.array_equal(decode(content, 800, None).pixels, np.asarray(WIDE))  # Never blown up.
    apart = decode_apart(content, 50, None).pixels
    assert apart.shape == (25, 50, 3)
    assert np.array_equal(apart, np.asarray(WIDE.resize((50, 25), PIL.Image.Resampling.BICUBIC)))


def test_a_photo_of_one_long_line_of_pixels_is_shown_whole() -> None:
    assert decode(encode(cat(4000, 32), "PNG"), 100, None).pixels.shape == (1, 100, 3)


def test_a_square_of_too_few_pixels_is_refused_in_one_sentence() -> None:
    with pytest.raises(ImageError, match="The square has 20 pixels a side; take one of at least 32"):
        decode(encode(WIDE, "PNG"), 64, Crop(0.5, 0.5, 0.2))


@pytest.mark.parametrize("values", [(-0.1, 0.5, 1), (0.5, 1.1, 1), (0.5, 0.5, 0), (0.5, 0.5, float("nan"))])
def test_a_crop_outside_the_picture_is_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Crop(*values)
