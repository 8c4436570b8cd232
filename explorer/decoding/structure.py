"""What makes a small file cost minutes, looked for before it is decoded: comments, text pixels, scans.

Each check refuses what no camera or program writes, and itself takes milliseconds.
"""

import re
from collections.abc import Iterator

# A megabyte of comments takes Pillow seconds: byte by byte in a PPM, block by block in a GIF.
MAX_COMMENT_BYTES = 2**16
MAX_PPM_HEADER_BYTES = 2**12
# The largest file made of full blocks has 250,000 of them.
MAX_GIF_BLOCKS = 400_000
# A progressive JPEG has about ten scans, each of which passes over the whole picture.
MAX_SCANS = 100
MAX_SCANNED_PIXELS = 12 * 40_000_000

PPM = re.compile(rb"P[0-6fFy]")
_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
# Binary pixels only: P1 to P3 write them as text, which takes a hundred times as long to read.
BINARY_PPM = re.compile(rb"P(?:4|[56f]%(gap)s\d+)%(gap)s\d+%(gap)s[-+.\d]+\s" % {b"gap": _GAP})
# A JPEG's markers as libjpeg finds them: any bytes may lie before one, and within a scan zeros and restarts
# (D0 to D7) belong to the pixels. All but the picture's two ends are followed by the length of their segment.
JPEG_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd8-\xfe])")
START_OF_PICTURE, END_OF_PICTURE, START_OF_SCAN, RESTART_INTERVAL = 0xD8, 0xD9, 0xDA, 0xDD
GIF_EXTENSION, GIF_COMMENT, GIF_PICTURE = 0x21, 0xFE, 0x2C
GIF_HEADER_BYTES, GIF_PICTURE_BYTES = 13, 10


class CostlyFileError(ValueError):
    """A file that is built to take long."""


def check_header(content: bytes) -> None:
    """Look at a file before anything opens it.

    Raises:
        CostlyFileError: reading its header alone could take long, or its pixels are written as text.
    """
    if PPM.match(content) and not BINARY_PPM.match(content[:MAX_PPM_HEADER_BYTES]):
        raise CostlyFileError("text, or a long header, in a PPM")
    if content.startswith(b"GIF8"):
        _check_gif(content)


def count_scans(content: bytes) -> int:
    """Count how often a JPEG's decoder passes over the picture."""
    return sum(marker == START_OF_SCAN for marker, _ in jpeg_markers(content))


def check_scans(scans: int, pixels: int) -> None:
    """Look at how many scans a JPEG of so many pixels has, before it is decoded.

    Raises:
        CostlyFileError: its scans pass over too many pixels.
    """
    if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
        raise CostlyFileError(f"{scans} scans of {pixels} pixels")


def jpeg_markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the markers up to the picture's end, and where the segment of each begins.

    Those of previews in a note, or of a film behind the picture, are left out.
    """
    place = 0
    while found := JPEG_MARKER.search(content, place):
        place = found.end()
        yield (marker := content[found.start(1)]), place
        if marker == END_OF_PICTURE:
            return
        if marker != START_OF_PICTURE:
            place += int.from_bytes(content[place : place + 2])


def _check_gif(content: bytes) -> None:
    """Count blocks and comments up to the second picture, which tells whether the file is animated."""
    comments = 0
    for blocks, (label, length) in enumerate(_gif_blocks(content)):
        comments += length if label == GIF_COMMENT else 0
        if comments > MAX_COMMENT_BYTES or blocks > MAX_GIF_BLOCKS:
            raise CostlyFileError(f"{comments} bytes of comments in {blocks} blocks of a GIF")


def _gif_blocks(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield each block's label and length, up to the second picture or the end, however broken."""
    place, pictures = GIF_HEADER_BYTES + _colour_table_bytes(content[10:11]), 0
    while place + GIF_PICTURE_BYTES < len(content) and pictures < 2:
        if content[place] == GIF_EXTENSION:
            label, place = content[place + 1], place + 2
        elif content[place] == GIF_PICTURE:
            label, pictures = GIF_PICTURE, pictures + 1
            place += GIF_PICTURE_BYTES + _colour_table_bytes(content[place + 9 : place + 10]) + 1
        else:
            return
        while place < len(content) and (length := content[place]):
            yield label, length
            place += 1 + length
        place += 1


def _colour_table_bytes(flags: bytes) -> int:
    return 3 << (flags[0] % 8 + 1) if flags and flags[0] & 0x80 else 0
