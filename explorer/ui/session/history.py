"""The history of a run: its frames as the page has shown them, thinned so that a long run stays small."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from explorer.images import Pixels, decode_jpeg, encode_jpeg
from explorer.lab.race import Frame

# About 4 MB of JPEGs per visitor.
MAX_FRAMES = 64
LEFT_OUT = np.empty((0, 0, 3), np.uint8)


class History:
    """Keeps frames with their pictures as JPEGs alone, which take a tenth of the memory.

    Every other one goes when there are too many.
    """

    def __init__(self) -> None:
        self._kept: list[Frame] = []
        self._last: Frame | None = None
        self._encoded: dict[str, tuple[Pixels, bytes]] = {}
        self._stride = 1
        self._count = 0

    @property
    def frames(self) -> Sequence[Frame]:
        """The frames kept, in order, the last one always among them."""
        last = [] if self._last is None or self._last in self._kept[-1:] else [self._last]
        return [_restore(kept) for kept in [*self._kept, *last]]

    @property
    def nbytes(self) -> int:
        """The memory that the pictures take."""
        distinct = {id(panel.jpeg): len(panel.jpeg) for kept in self._kept for panel in kept.panels.values()}
        return sum(distinct.values())

    def add(self, frame: Frame) -> Frame:
        """Keep the frame and return it as it is kept; a picture that has not changed is not encoded again."""
        self._last = replace(
            frame,
            panels={
                layer: replace(panel, pixels=LEFT_OUT, jpeg=self._encode(layer, panel.pixels))
                for layer, panel in frame.panels.items()
            },
        )
        if self._count % self._stride == 0:
            self._kept.append(self._last)
        self._count += 1
        if len(self._kept) > MAX_FRAMES:
            self._kept = self._kept[::2]
            self._stride *= 2
        return self._last

    def _encode(self, layer: str, pixels: Pixels) -> bytes:
        before, jpeg = self._encoded.get(layer, (None, b""))
        if before is not pixels:
            jpeg = encode_jpeg(pixels)
            self._encoded[layer] = pixels, jpeg
        return jpeg


def _restore(kept: Frame) -> Frame:
    """Give a frame its pictures back."""
    panels = {layer: replace(panel, pixels=decode_jpeg(panel.jpeg)) for layer, panel in kept.panels.items()}
    return replace(kept, panels=panels)
