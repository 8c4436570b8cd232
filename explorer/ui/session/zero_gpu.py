"""Races on a GPU that Hugging Face lends for as long as a call lasts (ZeroGPU).

The GPU exists only in a process of its own, which is gone afterwards: plain data crosses over, the page keeps
the visitor's state, and a race that has ended cannot be resumed. Anywhere else nothing of this is used.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache

from explorer.device import best_device
from explorer.features.backbone import Backbone
from explorer.features.recorded import RecordedFeatures
from explorer.images import Picture, Pixels, to_images, to_pixels
from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab
from explorer.lab.layer import Source
from explorer.lab.race import AnyRace, Frame
from explorer.lab.run import Reconstruction, Record

try:
    import spaces  # pyright: ignore[reportMissingImports]
except ImportError:  # Only Spaces have it.
    spaces = None

# Loading the models in the lent process, and measuring, on top of the race itself.
SPARE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class RaceRequest:
    """A race to be run, by a picture's pixels or by features: plain data only."""

    weights: str
    backbone: str
    given: Pixels | RecordedFeatures
    settings: dict[str, Settings]
    method: str
    seconds: float


def is_lent() -> bool:
    """Tell whether this process is the page of a Space with ZeroGPU."""
    return spaces is not None and spaces.config.Config.zero_gpu


def play(request: RaceRequest) -> Generator[Frame, None, None]:
    """Run a race from start to end; closing the generator ends it."""
    lab = _lab(request.weights, request.backbone)
    given = request.given if isinstance(request.given, RecordedFeatures) else _picture(request.given)
    race = lab.race(given, request.settings, method=request.method)
    with closing(race.frames(request.seconds)) as frames:
        yield from frames


if spaces is not None:
    # Off ZeroGPU the decorator returns the function as it is.
    play = spaces.GPU(play, duration=lambda request: request.seconds + SPARE_SECONDS)


class ZeroGpuRace:
    """Behaves as a Race that runs once, on the lent GPU."""

    def __init__(
        self, backbone: Backbone, given: Source, settings: Mapping[str, Settings], method: str
    ) -> None:
        self.method = method
        self._request = RaceRequest(
            backbone.source,
            backbone.architecture,
            to_pixels(given.images) if isinstance(given, Picture) else given,
            dict(settings),
            method,
            0.0,
        )
        self._frame: Frame | None = None
        self._history: dict[str, list[Record]] = {layer: [] for layer in settings}

    def frames(
        self, seconds: float, is_over: Callable[[], bool] = lambda: False
    ) -> Generator[Frame, None, None]:
        """Yield frames for at most so many seconds; the last one, after a stop too, says how it ended."""
        with closing(play(replace(self._request, seconds=seconds))) as frames:
            for frame in frames:
                self._remember(frame)
                yield frame
                if is_over():
                    break
        if self._frame is not None and is_over():
            yield _stopped(self._frame)

    def can_resume(self) -> bool:
        """Return False: the optimisers' state goes with the GPU."""
        return False

    def reconstructions(self) -> list[Reconstruction]:
        """Return the picture each layer has reached, in 8 bits, with one record for each frame."""
        panels = {} if self._frame is None else self._frame.panels
        return [
            Reconstruction(
                layer,
                self.method,
                _picture(panel.pixels).images,
                panel.record.evaluations,
                panel.record.seconds,
                panel.notice,
                tuple(self._history[layer]),
            )
            for layer, panel in panels.items()
        ]

    def _remember(self, frame: Frame) -> None:
        self._frame = frame
        for layer, panel in frame.panels.items():
            self._history[layer].append(panel.record)


def set_up_race(lab: Lab, given: Source, settings: Mapping[str, Settings], method: str) -> AnyRace:
    """Set up a race where it runs best: on the lent GPU if there is one, else in this process."""
    if is_lent():
        return ZeroGpuRace(lab.backbone, given, settings, method)
    return lab.race(given, settings, method=method)


def _stopped(frame: Frame) -> Frame:
    """Repeat the last frame as that of a stopped race."""
    panels = {
        layer: replace(panel, state="stopped" if panel.state == "running" else panel.state)
        for layer, panel in frame.panels.items()
    }
    return replace(frame, panels=panels)


@cache
def _lab(weights: str, backbone: str) -> Lab:
    """Load the models on the GPU, once in a lent process."""
    return Lab.load(weights, best_device(), backbone=backbone)


def _picture(pixels: Pixels) -> Picture:
    return Picture("picture", to_images(pixels))
