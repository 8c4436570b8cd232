"""Pictures whose samples no library writes: TIFFs of every kind of number, PNGs with a transparent value."""

import struct
import zlib

import numpy as np

from tests.support.corpus import png_chunk

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
KINDS = {"u": UNSIGNED, "i": SIGNED, "f": FLOAT}
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2


def sample_tiff(samples: np.ndarray, photometric: int = BLACK_IS_ZERO, *, by_planes: bool = False) -> bytes:
    """Write (height, width) or (height, width, channels) as they are, in one strip or one for each plane."""
    height, width, *channels = samples.shape
    planes = np.moveaxis(samples, -1, 0) if by_planes else samples[None]
    strips = [plane.astype(samples.dtype.newbyteorder("<")).tobytes() for plane in planes]
    count = channels[0] if channels else 1
    words = {
        256: [width],
        257: [height],
        258: [8 * samples.itemsize] * count,
        259: [1],
        262: [photometric],
        277: [count],
        278: [height],
        284: [2 if by_planes else 1],
        339: [KINDS[samples.dtype.kind]] * count,
    }
    entries = {
        tag: (3, struct.pack(f"<{len(values)}H", *values), len(values)) for tag, values in words.items()
    }
    entries[279] = (4, b"".join(struct.pack("<I", len(strip)) for strip in strips), len(strips))
    # The values that do not fit their entries, and then the strips, follow the directory.
    first = 8 + 2 + 12 * (len(entries) + 1) + 4
    long = sum(len(value) for _, value, _ in entries.values() if len(value) > 4)
    places = np.cumsum([first + long + 4 * len(strips), *map(len, strips[:-1])])
    entries[273] = (4, b"".join(struct.pack("<I", place) for place in places), len(strips))
    table, values = b"", b""
    for tag, (kind, value, amount) in sorted(entries.items()):
        shown = value.ljust(4, b"\x00")
        if len(value) > 4:
            shown, values = struct.pack("<I", first + len(values)), values + value
        table += struct.pack("<HHI", tag, kind, amount) + shown
    body = values.ljust(long + 4 * len(strips), b"\x00") + b"".join(strips)
    return b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries)) + table + bytes(4) + body


def keyed_png(samples: np.ndarray, depth: int, *key: int) -> bytes:
    """Write grey or RGB samples of so many bits, one value of which is transparent."""
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, 2 if samples.ndim == 3 else 0, 0, 0, 0)
    rows = b"".join(b"\x00" + _packed(row, depth) for row in samples)
    chunks = [
        png_chunk(b"IHDR", header),
        png_chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)),
        png_chunk(b"IDAT", zlib.compress(rows)),
        png_chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _packed(row: np.ndarray, depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
    return np.packbits(bits.reshape(-1)).tobytes()
