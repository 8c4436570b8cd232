"""The sentences by which a picture may be refused."""

import re

from explorer.decoding.colour import PASSED_OVER
from explorer.decoding.decode import (
    FIRST_FRAME,
    PROGRESSIVE,
    TOO_LARGE,
    TOO_MANY_BYTES,
    TOO_MUCH_MEMORY,
    UNREADABLE,
)
from explorer.decoding.jpeg_end import LACKS_END
from explorer.decoding.pool import BUSY, TOO_SLOW
from explorer.decoding.process import NO_START
from explorer.decoding.samples import ASSUMED, KEYED, PLANES
from explorer.ui.bounds import TOO_LONG
from explorer.ui.components.given import PICKLE

DOCUMENTED = (KEYED, PLANES, UNREADABLE, TOO_LARGE, PROGRESSIVE, TOO_SLOW, TOO_MUCH_MEMORY, PICKLE, TOO_LONG)
# What a visitor is told beside a picture, or for want of a process that is free.
ASIDE = (
    FIRST_FRAME,
    PASSED_OVER,
    LACKS_END,
    BUSY,
    NO_START,
    TOO_MANY_BYTES,
    ASSUMED.format(0, 4095, "black", 65535, "white"),
    ASSUMED.format(-0.5, 1, "white", 1, "black"),
    "This image is 3x31; use at least 32x32.",
    "The square has 20 pixels a side; take one of at least 32.",
)
TOO_SMALL = re.compile(r"This image is \d+x\d+; use at least 32x32\.")


def is_documented(message: str) -> bool:
    return message in DOCUMENTED or TOO_SMALL.fullmatch(message) is not None
