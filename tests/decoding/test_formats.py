"""What phones and browsers write today is read: HEIC, AVIF, and JPEGs of up to 200 megapixels."""

import numpy as np
import PIL.Image
import pytest

from explorer.decoding.decode import FIRST_FRAME, PROGRESSIVE, UNREADABLE, ImageError, decode
from explorer.decoding.exif import TURNS
from explorer.decoding.formats import MAX_PIXELS
from explorer.decoding.pool import DecoderPool
from explorer.decoding.square import crop_square
from tests.support.heic import heic
from tests.support.photos import cat, encode, exif, psnr_db
from tests.support.spaces import PROFILES, in_space

PHOTO = cat(400, 300)
TRUTH = decode(encode(PHOTO, "PNG"), 224).pixels


@pytest.fixture(scope="module")
def decoders():
    decoders = DecoderPool(workers=1)
    yield decoders
    decoders.close()


@pytest.mark.parametrize("quarter_turns", range(4))
def test_a_heic_is_the_photo_and_upright(decoders: DecoderPool, quarter_turns: int) -> None:
    stored = PIL.Image.fromarray(np.rot90(np.asarray(PHOTO), -quarter_turns))
    decoded = decoders.decode(heic(stored, quarter_turns=quarter_turns), 224)
    assert psnr_db(decoded.pixels, TRUTH) > 42
    assert decoded.notice is None


def test_an_iphone_s_heic_is_the_photo_in_srgb(decoders: DecoderPool) -> None:
    content = heic(in_space(PHOTO, "P3"), PROFILES["P3"])
    assert psnr_db(decoders.decode(content, 224).pixels, TRUTH) > 39


def test_a_heic_of_12_megapixels_fits_the_memory_and_the_time(decoders: DecoderPool) -> None:
    assert psnr_db(decoders.decode(heic(PHOTO.resize((4032, 3024))), 224).pixels, TRUTH) > 30


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_heic_that_is_cut_short_is_refused(decoders: DecoderPool, share: float) -> None:
    content = heic(PHOTO)
    with pytest.raises(ImageError) as refusal:
        decoders.decode(content[: int(len(content) * share)], 224)
    assert str(refusal.value) == UNREADABLE


def test_an_avif_is_the_photo(decoders: DecoderPool) -> None:
    decoded = decoders.decode(encode(PHOTO, "AVIF", quality=95, subsampling="4:4:4"), 224)
    assert psnr_db(decoded.pixels, TRUTH) > 42
    assert decoded.notice is None


@pytest.mark.parametrize("orientation", [3, 6])
def test_an_avif_is_upright(decoders: DecoderPool, orientation: int) -> None:
    stored = PHOTO.transpose(
        {3: PIL.Image.Transpose.ROTATE_180, 6: PIL.Image.Transpose.ROTATE_90}[orientation]
    )
    content = encode(stored, "AVIF", quality=95, subsampling="4:4:4", exif=exif(orientation))
    assert psnr_db(decoders.decode(content, 224).pixels, TRUTH) > 42


def test_a_transparent_avif_is_shown_over_white(decoders: DecoderPool) -> None:
    clear = PIL.Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert decoders.decode(encode(clear, "AVIF"), 64).pixels.min() == 255


def test_of_a_moving_avif_the_first_frame_is_used(decoders: DecoderPool) -> None:
    frames = [PIL.Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    decoded = decoders.decode(encode(frames[0], "AVIF", save_all=True, append_images=frames[1:]), 64)
    assert decoded.pixels[9, 9].tolist() == pytest.approx([255, 0, 0], abs=3)
    assert decoded.notice == FIRST_FRAME


def test_a_large_avif_fits_the_memory_and_the_time(decoders: DecoderPool) -> None:
    content = encode(PHOTO.resize((4000, 3000)), "AVIF", speed=10, quality=60)
    assert psnr_db(decoders.decode(content, 224).pixels, TRUTH) > 30


def test_a_photo_of_48_megapixels_is_the_photo(decoders: DecoderPool) -> None:
    photo = PHOTO.resize((8064, 6048))
    decoded = decoders.decode(encode(photo, "JPEG", quality=90), 224)
    assert psnr_db(decoded.pixels, crop_square(photo, 224)) > 40


def test_a_photo_of_200_megapixels_fits_the_memory_and_the_time(decoders: DecoderPool) -> None:
    photo = PHOTO.convert("L").resize((16_384, 12_288))
    decoded = decoders.decode(encode(photo, "JPEG", quality=60, exif=exif(6)), 224)
    truth = decode(encode(PHOTO.convert("L"), "PNG"), 224).pixels
    assert psnr_db(decoded.pixels, np.rot90(truth, -1)) > 30


@pytest.mark.parametrize("orientation", TURNS)
def test_a_reduced_photo_lies_as_a_whole_one_whichever_way_it_is_turned(
    monkeypatch: pytest.MonkeyPatch, orientation: int
) -> None:
    """Also where its sides are no multiples of 8, by which it is reduced."""
    content = encode(cat(2401, 1801), "JPEG", quality=95, exif=exif(orientation))
    whole = decode(content, 48).pixels
    monkeypatch.setattr("explorer.decoding.decode.MAX_PIXELS", 2**20)
    assert psnr_db(decode(content, 48).pixels, whole) > 44


def test_a_large_progressive_photo_is_refused_with_what_to_do(decoders: DecoderPool) -> None:
    content = encode(PIL.Image.new("L", (8000, 5001)), "JPEG", progressive=True)
    assert MAX_PIXELS < 8000 * 5001
    with pytest.raises(ImageError) as refusal:
        decoders.decode(content, 224)
    assert str(refusal.value) == PROGRESSIVE
