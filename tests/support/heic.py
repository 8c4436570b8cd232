"""HEIC files as phones write them, made by code without an encoder, which no free package brings.

The pixels are HEVC's (ITU-T H.265) with each block of 32 x 32 as it is (pcm, 7.3.8.7) in a slice of its own:
all that is coded arithmetically are two pairs of bytes, the same in every slice. The file around them follows
ISO/IEC 23008-12.
"""

import re
import struct
from collections.abc import Sequence

import numpy as np
import PIL.Image

BLOCK = 32
# "Not split" and "pcm" at the start of a slice, whose quantiser is 26; "the slice ends" behind the samples.
BEFORE_SAMPLES, BEHIND_SAMPLES = b"\x86\x80", b"\xfe\x80"
VIDEO_SET, SEQUENCE_SET, PICTURE_SET, PICTURE = 32, 33, 34, 20
# The Main Still Picture profile, of frames, at level 4.
PROFILE = b"\x03\x70\x00\x00\x00\x90\x00\x00\x00\x00\x00\x78"
SRGB_IN_FULL_RANGE = b"nclx" + struct.pack(">HHHB", 1, 13, 6, 0x80)


def heic(photo: PIL.Image.Image, profile: bytes | None = None, quarter_turns: int = 0) -> bytes:
    """Write an RGB photo, with an ICC profile if given, to be turned anticlockwise so many times."""
    sets = [_video_set(), _sequence_set(*photo.size), _picture_set()]
    slices = b"".join(struct.pack(">I", len(unit)) + unit for unit in _slices(photo))
    properties = [
        _box(b"hvcC", _configuration(sets)),
        _box(b"ispe", bytes(4) + struct.pack(">II", *photo.size)),
        _box(b"irot", bytes([quarter_turns])),
        _box(b"colr", SRGB_IN_FULL_RANGE),
        *([_box(b"colr", b"prof" + profile)] if profile else []),
    ]
    head = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    start = len(head) + len(_meta(properties, 0, 0)) + 8
    return head + _meta(properties, start, len(slices)) + _box(b"mdat", slices)


def _meta(properties: Sequence[bytes], start: int, length: int) -> bytes:
    entry = _box(b"infe", b"\x02\x00\x00\x00" + struct.pack(">HH4sx", 1, 0, b"hvc1"))
    # Of the properties the decoder's, and the turn, have to be understood.
    marked = bytes([0x81, 0x02, 0x83, 0x04, 0x05][: len(properties)])
    places = struct.pack(">IIHB", 0, 1, 1, len(properties)) + marked
    return _box(
        b"meta",
        bytes(4)
        + _box(b"hdlr", bytes(8) + b"pict" + bytes(13))
        + _box(b"pitm", bytes(4) + struct.pack(">H", 1))
        + _box(b"iloc", bytes(4) + struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, start, length))
        + _box(b"iinf", bytes(4) + struct.pack(">H", 1) + entry)
        + _box(b"iprp", _box(b"ipco", b"".join(properties)) + _box(b"ipma", places)),
    )


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _configuration(sets: Sequence[bytes]) -> bytes:
    arrays = b"".join(
        struct.pack(">BHH", 0x80 | kind, 1, len(unit)) + unit
        for kind, unit in zip((VIDEO_SET, SEQUENCE_SET, PICTURE_SET), sets, strict=True)
    )
    return b"\x01" + PROFILE + b"\xf0\x00\xfc\xfd\xf8\xf8\x00\x00\x0f" + bytes([len(sets)]) + arrays


def _video_set() -> bytes:
    bits = f"{0:04b}11{0:06b}{0:03b}1{0xFFFF:016b}" + _bits(PROFILE) + "1" + _numbers(0, 0, 0)
    return _unit(VIDEO_SET, _end(bits + f"{0:06b}" + _numbers(0) + "00"))


def _sequence_set(width: int, height: int) -> bytes:
    padded = (_padded(width), _padded(height))
    bits = f"{0:04b}{0:03b}1" + _bits(PROFILE) + _numbers(0, 1, *padded)
    # The window is given in pixels of the colours, of which there are half as many each way.
    bits += "1" + _numbers(0, (padded[0] - width) // 2, 0, (padded[1] - height) // 2)
    bits += _numbers(0, 0, 0) + "1" + _numbers(0, 0, 0)
    bits += _numbers(2, 0, 0, 3, 0, 0)  # Blocks of 32, transforms from 4 to 32.
    bits += "000" + "1" + f"{7:04b}{7:04b}" + _numbers(2, 0) + "1"  # Eight bits, in blocks of 32.
    return _unit(SEQUENCE_SET, _end(bits + _numbers(0) + "00000"))


def _picture_set() -> bytes:
    bits = _numbers(0, 0) + "00" + "000" + "00" + _numbers(0, 0, 0) + "000" + _numbers(0, 0)
    bits += "0" * 7 + "101" + "00" + _numbers(0) + "00"  # All filters off.
    return _unit(PICTURE_SET, _end(bits))


def _slices(photo: PIL.Image.Image) -> list[bytes]:
    padding = [(0, _padded(side) - side) for side in photo.size[::-1]]
    luma, *colours = np.moveaxis(np.asarray(photo.convert("YCbCr")), -1, 0)
    planes = [np.pad(luma, padding, "edge")]
    for plane in colours:
        whole = np.pad(plane, padding, "edge").astype(float)
        quarter = whole.reshape(whole.shape[0] // 2, 2, whole.shape[1] // 2, 2).mean(axis=(1, 3))
        planes.append(quarter.round().astype(np.uint8))
    rows, columns = (side // BLOCK for side in planes[0].shape)
    digits = (rows * columns - 1).bit_length()
    return [
        _unit(
            PICTURE, _head(place, digits) + BEFORE_SAMPLES + _samples(planes, place, columns) + BEHIND_SAMPLES
        )
        for place in range(rows * columns)
    ]


def _head(place: int, digits: int) -> bytes:
    address = f"{place:0{digits}b}" if place else ""
    return _end(("0" if place else "1") + "0" + _numbers(0) + address + _numbers(2, 0))


def _samples(planes: Sequence[np.ndarray], place: int, columns: int) -> bytes:
    top, left = place // columns, place % columns
    sides = (BLOCK, BLOCK // 2, BLOCK // 2)
    return b"".join(
        plane[top * side : (top + 1) * side, left * side : (left + 1) * side].tobytes()
        for plane, side in zip(planes, sides, strict=True)
    )


def _unit(kind: int, payload: bytes) -> bytes:
    """A unit of the stream, in which no bytes look like the start of one."""
    return bytes([kind << 1, 1]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


def _end(bits: str) -> bytes:
    """A one, and zeros up to the next byte."""
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _numbers(*values: int) -> str:
    """Exponential-Golomb codes, which for zero are the same with and without a sign."""
    return "".join("0" * ((value + 1).bit_length() - 1) + f"{value + 1:b}" for value in values)


def _bits(content: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in content)


def _padded(side: int) -> int:
    return -(-side // BLOCK) * BLOCK
