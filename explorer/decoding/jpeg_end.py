"""JPEGs that lack their end marker, as browsers show them: told from those that were cut short.

Whatever stands in place of the end changes no pixel of a picture that is whole. In one that was cut short,
random bytes become pixels, up to the next restart of its decoder: those restarts are counted.
"""

import random

import PIL.JpegImagePlugin

from explorer.decoding.structure import END_OF_PICTURE, RESTART_INTERVAL, START_OF_SCAN, jpeg_markers

END = bytes((0xFF, END_OF_PICTURE))
BLOCK = 8
RESTARTS = [bytes((0xFF, marker)) for marker in range(0xD0, 0xD8)]

LACKS_END = "This JPEG lacks its end; the square that is used of it is whole."


class CutShortError(ValueError):
    """A JPEG of which more is missing than its end marker, or what lies below the square."""


def has_end(content: bytes) -> bool:
    """Whether a JPEG says where its picture ends."""
    return any(marker == END_OF_PICTURE for marker, _ in jpeg_markers(content))


def end_in_two_ways(content: bytes, image: PIL.JpegImagePlugin.JpegImageFile) -> tuple[bytes, bytes]:
    """Give a JPEG its end, once at once and once behind random bytes: what was whole has the same pixels.

    Raises:
        CutShortError: it was not.
    """
    starts = dict(jpeg_markers(content))
    if interval := _read_interval(content, starts):
        found = sum(content.count(restart, starts.get(START_OF_SCAN, 0)) for restart in RESTARTS)
        if found < -(-_count_units(image) // interval) - 1:
            raise CutShortError(f"{found} restarts")
    # A byte for each pixel lasts to the last pixel. None of them may be a marker's beginning.
    noise = random.Random(0).randbytes(image.width * image.height).replace(b"\xff", b"\x7f")
    content = content.rstrip(b"\xff")
    return content + END, content + noise + END


def _read_interval(content: bytes, starts: dict[int, int]) -> int:
    """Read how many units of pixels lie between two restarts; 0 where there are none."""
    place = starts.get(RESTART_INTERVAL)
    return 0 if place is None else int.from_bytes(content[place + 2 : place + 4])


def _count_units(image: PIL.JpegImagePlugin.JpegImageFile) -> int:
    """Count the units of pixels of which a scan of all colours consists."""
    sampled = [max(layer[axis] for layer in image.layer) for axis in (1, 2)]
    if len(image.layer) == 1:
        sampled = [1, 1]
    across, down = (-(-side // (BLOCK * most)) for side, most in zip(image.size, sampled, strict=True))
    return across * down
