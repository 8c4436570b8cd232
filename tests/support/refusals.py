"""The sentences by which a picture may be refused."""

import re

from explorer.decoding.decode import PROGRESSIVE, TOO_LARGE, TOO_MUCH_MEMORY, UNREADABLE
from explorer.decoding.pool import TOO_SLOW

DOCUMENTED = (UNREADABLE, TOO_LARGE, PROGRESSIVE, TOO_SLOW, TOO_MUCH_MEMORY)
TOO_SMALL = re.compile(r"This image is \d+x\d+; use at least 32x32\.")


def is_documented(message: str) -> bool:
    return message in DOCUMENTED or TOO_SMALL.fullmatch(message) is not None
