"""Numbers of the command lines, each within its bounds; no torch, for the page's program reads them too."""

import math
from argparse import ArgumentTypeError


def parse_positive(text: str) -> int:
    """Read a whole number; raises ArgumentTypeError for one below 1."""
    return parse_between(text, 1, None)


def parse_between(text: str, low: int, high: int | None) -> int:
    """Read a whole number; raises ArgumentTypeError for one out of range."""
    number = int(text)
    if number < low or (high is not None and number > high):
        allowed = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ArgumentTypeError(f"must be {allowed}, not {number}")
    return number


def parse_seconds(text: str) -> float:
    """Read a length of time; raises ArgumentTypeError unless it is above 0 and ends."""
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise ArgumentTypeError(f"must be above 0, not {seconds:g}")
    return seconds
