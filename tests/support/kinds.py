"""One photo as phones, cameras and programs write it, each file with the pixels that are right."""

import random
import struct
from collections.abc import Iterator
from functools import cache

import numpy as np
import PIL.Image

from explorer.decoding.exif import TURNS
from tests.support.heic import heic
from tests.support.photos import EXIF_DIRECTORY, Tag, cat, encode, exif, segments
from tests.support.spaces import PROFILES, in_space

PHOTO = cat(400, 300)
BACK = {turn: turn for turn in PIL.Image.Transpose} | {
    PIL.Image.Transpose.ROTATE_90: PIL.Image.Transpose.ROTATE_270,
    PIL.Image.Transpose.ROTATE_270: PIL.Image.Transpose.ROTATE_90,
}


@cache
def kinds() -> dict[str, tuple[bytes, PIL.Image.Image]]:
    """Give each kind's file, and the photo whose square it has to become."""
    return {name: (content, photo) for name, content, photo in _kinds()}


def _kinds() -> Iterator[tuple[str, bytes, PIL.Image.Image]]:
    jpeg = encode(PHOTO, "JPEG", quality=95, subsampling=0)
    for orientation, turn in TURNS.items():
        stored = PHOTO.transpose(BACK[turn])
        yield f"held as {orientation}", encode(stored, "JPEG", quality=95, exif=exif(orientation)), PHOTO
    lying = exif(6, EXIF_DIRECTORY, Tag(0xA002, 4, 1, struct.pack("<I", 9)))
    stored = PHOTO.transpose(PIL.Image.Transpose.ROTATE_90)
    yield "with tags of another size", encode(stored, "JPEG", quality=95, exif=lying), PHOTO
    wide = in_space(PHOTO, "P3")
    profile = PROFILES["P3"]
    yield "in Display P3", encode(wide, "JPEG", quality=97, subsampling=0, icc_profile=profile), PHOTO
    gain = encode(PIL.Image.new("L", (100, 75), 128), "JPEG")
    note = segments(0xE1, iter([b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta hdrgm:Version='1.0'/>"]))
    yield "with a gain map", jpeg[:2] + note + jpeg[2:] + gain, PHOTO
    film = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42" + random.Random(0).randbytes(3_000_000)
    yield "with a film", jpeg + film, PHOTO
    yield "without its end", jpeg[:-2], PHOTO
    grey = PHOTO.convert("L")
    deep = PIL.Image.fromarray(np.asarray(grey, np.uint16) * 257)
    yield "grey of 16 bits", encode(deep, "PNG"), grey.convert("RGB")
    large = PHOTO.resize((8064, 6048))
    yield "of 48 megapixels", encode(large, "JPEG", quality=90), large
    yield "HEIC", heic(PHOTO), PHOTO
    yield "HEIC in Display P3", heic(wide, profile), PHOTO
    yield "AVIF", encode(PHOTO, "AVIF", quality=95, subsampling="4:4:4"), PHOTO
