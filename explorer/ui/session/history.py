"""The history of a race: its frames made whole, thinned so that a long race stays small."""

from collections.abc import Sequence
from dataclasses import replace

from explorer.lab.race import Frame

# About 4 MB of JPEGs per visitor.
MAX_FRAMES = 64


class History:
    """Keeps frames in which every layer has its picture; every other one goes when there are too many."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._last: Frame | None = None
        self._stride = 1
        self._count = 0

    @property
    def frames(self) -> Sequence[Frame]:
        """The frames kept, in order, the last one always among them."""
        if self._last is None or (self._frames and self._frames[-1] is self._last):
            return self._frames
        return [*self._frames, self._last]

    def add(self, frame: Frame) -> Frame:
        """Give the frame with the pictures it left out, because they had not changed, and keep it."""
        before = {} if self._last is None else self._last.panels
        panels = {
            layer: panel if panel.jpeg or layer not in before else replace(panel, jpeg=before[layer].jpeg)
            for layer, panel in frame.panels.items()
        }
        self._last = replace(frame, panels=panels)
        if self._count % self._stride == 0:
            self._frames.append(self._last)
        self._count += 1
        if len(self._frames) > MAX_FRAMES:
            self._frames = self._frames[::2]
            self._stride *= 2
        return self._last
