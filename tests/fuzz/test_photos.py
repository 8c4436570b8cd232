"""Real photos, made by code: each kind becomes the right pixels, by the way that a visitor's file takes."""

import pytest

from explorer.decoding.square import crop_square
from explorer.images import read_picture, to_pixels
from tests.support.kinds import kinds
from tests.support.photos import psnr_db


@pytest.mark.parametrize("name", kinds())
def test_every_kind_of_photo_is_the_photo(name: str) -> None:
    content, photo = kinds()[name]
    pixels = to_pixels(read_picture(content).images)
    assert psnr_db(pixels, crop_square(photo, 224)) > 36
