"""SSIM and LPIPS of a running race, read so seldom that the optimiser hardly notices."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock

from explorer.images import Images, Picture, quantise
from explorer.lab.layer import Source
from explorer.lab.race import AnyRace
from explorer.lab.scorer import Scorer
from explorer.metrics.functional import ssim
from explorer.metrics.scores import Scores

# Each metric may take this share of a race's time; on two cores a reading costs 8 ms (SSIM), 48 ms (LPIPS).
SHARE = 0.01
NOTHING = Scores({})


class LiveMetrics:
    """Measures one layer at a time; `latest` holds each layer's last measurements.

    One thread may `read` while another one takes. Of features alone there is nothing to measure.
    """

    def __init__(self, scorer: Scorer, given: Source) -> None:
        self._metrics = _list_metrics(scorer, given) if isinstance(given, Picture) else []
        self.latest: dict[str, Scores] = {}
        self._fresh: dict[str, Scores] = {}
        self._lock = Lock()

    def read(self, race: AnyRace, seconds: float) -> None:
        """Take the measurements that are due so many seconds into the race."""
        due = [metric for metric in self._metrics if metric.is_due(seconds)]
        if not due:
            return
        reached = {made.layer: made.images for made in race.reconstructions()}
        for metric in due:
            for layer, measured in metric.read(reached, seconds).items():
                with self._lock:
                    self._fresh[layer] = self._fresh.get(layer, NOTHING) | measured
                    self.latest[layer] = self.latest.get(layer, NOTHING) | measured

    def take(self) -> dict[str, Scores]:
        """Return what has been measured since the last call; layers without anything are left out."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
        return fresh


class _Metric:
    """One metric, the time it has taken, and how often it has read each layer."""

    def __init__(self, key: str, measure: Callable[[Images], float | None]) -> None:
        self._key, self._measure = key, measure
        self._spent_seconds = 0.0
        self._readings = Counter[str]()

    def is_due(self, seconds: float) -> bool:
        return self._spent_seconds <= SHARE * seconds

    def read(self, reached: Mapping[str, Images], seconds: float) -> dict[str, Scores]:
        """Measure the layer with the fewest readings, if one is due."""
        if not reached or not self.is_due(seconds):
            return {}
        layer = min(reached, key=lambda name: self._readings[name])
        started = time.perf_counter()
        measured = Scores({self._key: self._measure(reached[layer])})
        self._spent_seconds += time.perf_counter() - started
        self._readings[layer] += 1
        return {layer: measured}


def _list_metrics(scorer: Scorer, picture: Picture) -> list[_Metric]:
    original = quantise(picture.images)
    return [
        _Metric("ssim", lambda images: float(ssim(quantise(images.cpu()), original))),
        _Metric("lpips", lambda images: scorer.measure("lpips", images, original)),
    ]
