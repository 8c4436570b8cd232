"""Refining, pass by pass: the decoder's picture, and what becomes of it each time it is looked at again."""

import time
from collections.abc import Iterator

from explorer.decoders.refinement import DEFAULT_PASSES, RefinedDecoder
from explorer.images import Picture
from explorer.lab.lab import Lab
from explorer.lab.methods import REFINED
from explorer.lab.run import Reconstruction
from explorer.lab.warming import load_decoder


def watch_passes(
    lab: Lab, picture: Picture, layer: str, passes: int = DEFAULT_PASSES
) -> Iterator[Reconstruction]:
    """Yield the decoder's picture of a layer, then the corrected one after each pass.

    The last is what `refined` gives. Seconds count own compute alone, from the start.

    Raises:
        MethodUnavailableError: this layer's pictures are not refined with these weights.
        DecoderError: there is less than one pass.
    """
    decoder = load_decoder(lab.models, layer, REFINED, passes)
    assert isinstance(decoder, RefinedDecoder)  # By the table of methods.
    seconds, started = 0.0, time.perf_counter()
    for images in decoder.watch(lab.encode(picture, layer)):
        seconds += time.perf_counter() - started
        yield Reconstruction(layer, REFINED, images.clamp(0, 1), evaluations=0, seconds=seconds)
        started = time.perf_counter()
