"""Malformed and odd files, made by code: what programs, faults and attackers may send as a picture."""

import random
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image

from tests.support.heic import heic

SEED = 0
CUTS = 12  # Of each base file, at offsets that are denser near its start.
FLIPS = 6  # Damaged versions of each base file, eight bytes each.
ABSURD_SIZES = ((0, 0), (1, 1), (31, 64), (64, 31), (1, 1_000_000), (65_535, 65_535), (8_000, 5_001))

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>alert(1)</script></svg>'
IMPOSTORS = {
    "svg": SVG,
    "svg with a declaration": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    + SVG,
    "html": b"<!doctype html><html><body><img src=x onerror=alert(1)></body></html>",
    "pdf": b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/etc/passwd) (r) file\n%%EOF",
    "zip": b"PK\x03\x04" + bytes(60),
    "program": b"\x7fELF\x02\x01\x01" + bytes(200),
    "pickle": b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    "icon": b"\x00\x00\x01\x00\x01\x00\x10\x10" + bytes(100),
    "photoshop": b"8BPS\x00\x01" + bytes(100),
    "avif magic alone": b"\x00\x00\x00\x20ftypavif" + bytes(100),
    "heic magic alone": b"\x00\x00\x00\x20ftypheic" + bytes(100),
    "wmf": b"\xd7\xcd\xc6\x9a\x00\x00" + bytes(100),
    "fits": b"SIMPLE  =                    T" + b" " * 2850,
    "json": b'{"path": "/etc/passwd"}',
    "text": b"Ein Bild sagt mehr als tausend Worte. " * 50,
    "empty": b"",
    "one byte": b"\xff",
    "zeros": bytes(10_000),
    "ones": b"\xff" * 10_000,
    "bom": b"\xef\xbb\xbf\x89PNG\r\n\x1a\n",
    "jpeg magic alone": b"\xff\xd8\xff",
    "png magic alone": b"\x89PNG\r\n\x1a\n",
    "gif magic alone": b"GIF89a",
    "webp magic alone": b"RIFF\xff\xff\xff\xffWEBP",
    "tiff magic alone": b"II*\x00\x08\x00\x00\x00",
    "bmp magic alone": b"BM",
    "ppm magic alone": b"P6",
}


@cache
def make_corpus() -> dict[str, bytes]:
    """Give every file by a name that says what is wrong with it."""
    corpus = dict(IMPOSTORS)
    for source in (_cuts, _flips, _swaps, _noise, _modes, _sizes, _metadata, _frames, _costly, _floats):
        for name, content in source():
            assert name not in corpus, name
            corpus[name] = content
    return corpus


def encode(image: PIL.Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@cache
def bases() -> dict[str, bytes]:
    """Give one sound file of each kind."""
    photo = photo_like(96, 80)
    alpha = photo.convert("RGBA")
    alpha.putalpha(photo.convert("L"))
    return {
        "jpeg": encode(photo, "JPEG"),
        "progressive jpeg": encode(photo, "JPEG", progressive=True),
        "cmyk jpeg": encode(photo.convert("CMYK"), "JPEG"),
        "png": encode(photo, "PNG"),
        "transparent png": encode(alpha, "PNG"),
        "palette png": encode(photo.quantize(16), "PNG"),
        "16-bit png": encode(PIL.Image.fromarray(np.asarray(photo.convert("L"), np.uint16) * 257), "PNG"),
        "webp": encode(photo, "WEBP"),
        "lossless webp": encode(alpha, "WEBP", lossless=True),
        "gif": encode(photo.quantize(32), "GIF"),
        "bmp": encode(photo, "BMP"),
        "tiff": encode(photo, "TIFF", compression="tiff_lzw"),
        "jpeg tiff": encode(photo, "TIFF", compression="jpeg"),
        "ppm": encode(photo, "PPM"),
        "avif": encode(photo, "AVIF"),
        "heic": heic(photo),
    }


def photo_like(width: int, height: int) -> PIL.Image.Image:
    """A smooth picture with some noise, so that every format has something to compress."""
    rng = np.random.default_rng(SEED)
    ramp = np.linspace(0, 200, width * height * 3).reshape(height, width, 3)
    return PIL.Image.fromarray((ramp + rng.integers(0, 55, ramp.shape)).astype(np.uint8))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + b"".join(chunks) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _cuts() -> Iterator[tuple[str, bytes]]:
    for name, content in bases().items():
        for cut in range(CUTS):
            length = int(len(content) * ((cut + 0.5) / CUTS) ** 2)
            yield f"{name} cut at {length}, {cut}", content[:length]


def _flips() -> Iterator[tuple[str, bytes]]:
    for name, content in bases().items():
        for flip in range(FLIPS):
            rng, damaged = random.Random(f"{name} {flip}"), bytearray(content)
            # Headers decide most, so half of the damage falls there.
            reach = min(len(content), 200) if flip % 2 else len(content)
            for _ in range(8):
                damaged[rng.randrange(reach)] = rng.randrange(256)
            yield f"{name} damaged, {flip}", bytes(damaged)


def _swaps() -> Iterator[tuple[str, bytes]]:
    """Each kind's beginning on the next kind's remainder."""
    names = list(bases())
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        yield f"{name} with the magic of {other}", bases()[other][:8] + bases()[name][8:]
        yield f"{other} after {name}", bases()[name] + bases()[other]


def _noise() -> Iterator[tuple[str, bytes]]:
    rng = random.Random(SEED)
    for length in (2, 10, 100, 1_000, 10_000, 100_000):
        yield f"noise of {length}", rng.randbytes(length)
        for name in ("jpeg", "png", "gif", "webp", "tiff"):
            yield f"noise of {length} after the head of {name}", bases()[name][:24] + rng.randbytes(length)


def _modes() -> Iterator[tuple[str, bytes]]:
    photo = photo_like(64, 48)
    for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I", "F"):
        source = photo.convert("RGB") if mode in ("LAB", "CMYK", "YCbCr", "RGBX") else photo.convert("L")
        for file_format in ("TIFF", "PNG", "WEBP", "GIF", "BMP", "JPEG"):
            try:
                image = (
                    PIL.Image.new(mode, photo.size) if mode in ("LAB", "PA", "LA") else source.convert(mode)
                )
                yield f"{mode} in {file_format}", encode(image, file_format)
            except (OSError, ValueError):
                continue  # This format has no such mode.


def _floats() -> Iterator[tuple[str, bytes]]:
    for name, value in {
        "nan": np.nan,
        "inf": np.inf,
        "-inf": -np.inf,
        "0": 0.0,
        "-1": -1.0,
        "1e38": 1e38,
    }.items():
        yield f"float {name}", encode(PIL.Image.fromarray(np.full((40, 40), value, np.float32)), "TIFF")
        mixed = np.linspace(0, 1, 1600, dtype=np.float32).reshape(40, 40)
        mixed[0, 0] = value
        yield f"float with one {name}", encode(PIL.Image.fromarray(mixed), "TIFF")
    for value in (-(2**31), -1, 0, 2**31 - 1):
        yield f"integer {value}", encode(PIL.Image.fromarray(np.full((40, 40), value, np.int32)), "TIFF")


def _sizes() -> Iterator[tuple[str, bytes]]:
    for width, height in ABSURD_SIZES:
        size = f"{width}x{height}"
        yield f"png {size}", png(width, height)
        yield f"png {size} with a zip bomb", png(width, height, data=zlib.compress(bytes(20_000_000), 9))
        yield f"ppm {size}", b"P6 %d %d 255\n" % (width, height)
        yield (
            f"bmp {size}",
            b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, *[0] * 6),
        )
        gif = struct.pack("<HHBBB", min(width, 65_535), min(height, 65_535), 0x80, 0, 0) + bytes(6)
        place = struct.pack("<HHHHB", 0, 0, min(width, 65_535), min(height, 65_535), 0)
        yield f"gif {size}", b"GIF89a" + gif + b"," + place + b"\x02\x02\x44\x01\x00;"
        start = bases()["jpeg"].index(b"\xff\xc0") + 5
        head = struct.pack(">HH", min(height, 65_535), min(width, 65_535))
        yield f"jpeg {size}", bases()["jpeg"][:start] + head + bases()["jpeg"][start + 4 :]
        tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
                (273, 4, 1, 8), (278, 4, 1, height), (279, 4, 1, width * height % 2**32)]  # fmt: skip
        yield f"tiff {size}", b"II*\x00\x08\x00\x00\x00" + _directory(tags)
        canvas = (
            bytes(4) + (max(width, 1) - 1).to_bytes(3, "little") + (max(height, 1) - 1).to_bytes(3, "little")
        )
        yield f"webp {size}", b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + canvas
    yield (
        "bmp of negative height",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 64, -64, 1, 24, *[0] * 6),
    )
    for depth in (1, 2, 3, 4, 8, 16, 32):
        for colour in (0, 1, 2, 3, 4, 6, 7):
            yield (
                f"png of depth {depth}, colour {colour}",
                png(64, 64, depth=depth, colour=colour, data=zlib.compress(bytes(40_000))),
            )


def _directory(tags: list[tuple[int, int, int, int]]) -> bytes:
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return struct.pack("<H", len(tags)) + entries + bytes(4)


def _metadata() -> Iterator[tuple[str, bytes]]:
    photo, rng = photo_like(64, 48), random.Random(SEED)
    for orientation in (*range(10), 255, 65_535):
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        yield f"orientation {orientation}", encode(photo, "JPEG", exif=exif)
    for length in (1, 6, 100, 60_000):
        yield f"exif of {length} noise", encode(photo, "JPEG", exif=b"Exif\x00\x00" + rng.randbytes(length))
        yield f"icc of {length} noise", encode(photo, "JPEG", icc_profile=rng.randbytes(length))
        yield f"png icc of {length} noise", encode(photo, "PNG", icc_profile=rng.randbytes(length))
        yield f"webp exif of {length} noise", encode(photo, "WEBP", exif=rng.randbytes(length))
    loop = b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 8)
    yield "exif that points at itself", encode(photo, "JPEG", exif=loop)
    pixels = zlib.compress(b"".join(b"\x00" + bytes(64 * 3) for _ in range(48)))
    bomb = b"Comment\x00\x00" + zlib.compress(bytes(50_000_000), 9)
    yield "png text bomb", png(64, 48, png_chunk(b"zTXt", bomb), data=pixels)
    yield "png icc bomb", png(64, 48, png_chunk(b"iCCP", bomb), data=pixels)
    yield "png of 20,000 texts", png(64, 48, *[png_chunk(b"tEXt", b"k\x00v")] * 20_000, data=pixels)
    yield "png that repeats its header", png(64, 48, png_chunk(b"IHDR", bytes(13)), data=pixels)
    yield "png of bad checksum", png(64, 48, data=pixels)[:-20] + bytes(20)
    yield "png with a huge chunk length", png(64, 48)[:33] + b"\xff\xff\xff\xffIDAT"
    yield "png with an empty palette", png(64, 48, png_chunk(b"PLTE", b""), colour=3, data=pixels)
    yield "png with a text of two gigabytes, it says", png(64, 48)[:33] + b"\x7f\xff\xff\xfftEXt"


def _frames() -> Iterator[tuple[str, bytes]]:
    frames = [PIL.Image.new("RGB", (32, 32), (number % 256, 0, 0)) for number in range(3_000)]
    for file_format, count in (("GIF", 3_000), ("TIFF", 1_000), ("WEBP", 500), ("PNG", 500)):
        yield (
            f"{file_format} of {count} frames",
            encode(frames[0], file_format, save_all=True, append_images=frames[1:count]),
        )
    loop = bytearray(encode(frames[0], "TIFF"))
    at = struct.unpack_from("<I", loop, 4)[0]
    count = struct.unpack_from("<H", loop, at)[0]
    struct.pack_into("<I", loop, at + 2 + 12 * count, at)
    yield "tiff whose next frame is itself", bytes(loop)


def _costly() -> Iterator[tuple[str, bytes]]:
    yield "text ppm of comments", b"P3\n" + b"# nothing\n" * 200_000 + b"64 64 255\n" + b"0 " * 64 * 64 * 3
    yield "text ppm", b"P3 64 64 255\n" + b"0 " * 64 * 64 * 3
    yield "text pgm", b"P2 64 64 255\n" + b"0 " * 64 * 64
    yield "text pbm", b"P1 64 64\n" + b"0 " * 64 * 64
    yield "binary ppm of comments", b"P6\n" + b"# nothing\n" * 200_000 + b"64 64 255\n" + bytes(64 * 64 * 3)
    yield "binary ppm of blanks", b"P6" + b" " * 2_000_000 + b"64 64 255\n" + bytes(64 * 64 * 3)
    gif = bases()["gif"]
    table = 13 + (3 << (gif[10] % 8 + 1))
    for name, block in {"full blocks": b"\xff" + b"x" * 255, "short blocks": b"\x01x"}.items():
        comment = b"!\xfe" + block * (5_000_000 // len(block)) + b"\x00"
        yield f"gif with a comment of {name}", gif[:table] + comment + gif[table:]
    yield "gif of many comments", gif[:table] + b"!\xfe\x01x\x00" * 500_000 + gif[table:]
    yield (
        "gif with a comment between frames",
        _two_frames(b"!\xfe" + (b"\xff" + b"x" * 255) * 20_000 + b"\x00"),
    )
    yield "jpeg of many scans", _many_scans(3_000, 2_000, 60)
    yield "small jpeg of very many scans", _many_scans(64, 64, 3_000)
    jpeg, text = bases()["jpeg"], b"x" * 65_000
    for name, marker in {"comments": b"\xff\xfe", "exif": b"\xff\xe1", "icc": b"\xff\xe2"}.items():
        head = {"exif": b"Exif\x00\x00", "icc": b"ICC_PROFILE\x00\x01\x01"}.get(name, b"")
        segment = marker + struct.pack(">H", 2 + len(head + text)) + head + text
        yield f"jpeg of 200 segments of {name}", jpeg[:2] + segment * 200 + jpeg[2:]


def _two_frames(between: bytes) -> bytes:
    gif = bases()["gif"]
    table = 13 + (3 << (gif[10] % 8 + 1))
    picture = gif[table:-1]
    return gif[:table] + picture + between + picture + b";"


def _many_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    sound = encode(PIL.Image.new("RGB", (width, height), "grey"), "JPEG", progressive=True)
    last = sound[sound.rindex(b"\xff\xda") : -2]
    return sound[:-2] + last * scans + b"\xff\xd9"
