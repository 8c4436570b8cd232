"""Fits of linear decoders that take seconds."""

from collections.abc import Iterator
from itertools import islice

from explorer.decoders.linear import example_batches
from explorer.images import Images

FEW = 6  # Of 32.


def few_batches() -> Iterator[Images]:
    """Yield the first batches of crops that linear decoders are fitted on."""
    return islice(example_batches(), FEW)
