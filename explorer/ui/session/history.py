"""The history of a run: its frames as the page has shown them, thinned so that a long run stays small."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from explorer.images import Pixels, decode_jpeg, encode_jpeg
from explorer.lab.race import Frame

# About 4 MB of JPEGs per visitor.
MAX_FRAMES = 64
LEFT_OUT = np.empty((0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A frame with its pictures as JPEGs, which take a tenth of the memory."""

    frame: Frame
    jpegs: dict[str, bytes]

    def restore(self) -> Frame:
        panels = {
            layer: replace(panel, pixels=decode_jpeg(self.jpegs[layer]))
            for layer, panel in self.frame.panels.items()
        }
        return replace(self.frame, panels=panels)


class History:
    """Encodes and keeps frames; every other one goes when there are too many."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._last: _Kept | None = None
        self._encoded: dict[str, tuple[Pixels, bytes]] = {}
        self._stride = 1
        self._count = 0

    @property
    def frames(self) -> Sequence[Frame]:
        """The frames kept, in order, the last one always among them."""
        last = [] if self._last is None or self._last in self._kept[-1:] else [self._last]
        return [kept.restore() for kept in [*self._kept, *last]]

    @property
    def nbytes(self) -> int:
        """The memory that the pictures take."""
        distinct = {id(jpeg): len(jpeg) for kept in self._kept for jpeg in kept.jpegs.values()}
        return sum(distinct.values())

    def add(self, frame: Frame) -> dict[str, bytes]:
        """Keep the frame and return its pictures as JPEGs; one that has not changed is not encoded again."""
        jpegs = {layer: self._encode(layer, panel.pixels) for layer, panel in frame.panels.items()}
        panels = {layer: replace(panel, pixels=LEFT_OUT) for layer, panel in frame.panels.items()}
        self._last = _Kept(replace(frame, panels=panels), jpegs)
        if self._count % self._stride == 0:
            self._kept.append(self._last)
        self._count += 1
        if len(self._kept) > MAX_FRAMES:
            self._kept = self._kept[::2]
            self._stride *= 2
        return jpegs

    def _encode(self, layer: str, pixels: Pixels) -> bytes:
        before, jpeg = self._encoded.get(layer, (None, b""))
        if before is not pixels:
            jpeg = encode_jpeg(pixels)
            self._encoded[layer] = pixels, jpeg
        return jpeg
