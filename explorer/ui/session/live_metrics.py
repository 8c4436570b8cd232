"""SSIM and LPIPS of a running race, read so seldom that the optimiser hardly notices."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from explorer.images import Images, Picture, quantise
from explorer.lab.race import AnyRace
from explorer.lab.scorer import Scorer
from explorer.metrics.functional import ssim
from explorer.ui.stage.value import Measurement

# Each metric may take this share of a race's time; on two cores a reading costs 8 ms (SSIM), 48 ms (LPIPS).
SHARE = 0.01


class LiveMetrics:
    """Reads one layer at a time; `latest` holds each layer's last readings."""

    def __init__(self, scorer: Scorer, picture: Picture) -> None:
        original = quantise(picture.images)
        self._ssim = _Metric(lambda images: float(ssim(quantise(images.cpu()), original)))
        self._lpips = _Metric(lambda images: scorer.measure("lpips", images, original))
        self.latest: dict[str, Measurement] = {}

    def read(self, race: AnyRace, seconds: float) -> dict[str, Measurement]:
        """Take the readings that are due so many seconds into the race; layers without one are left out."""
        if not (self._ssim.is_due(seconds) or self._lpips.is_due(seconds)):
            return {}
        reached = {made.layer: made.images for made in race.reconstructions()}
        similar, distant = self._ssim.read(reached, seconds), self._lpips.read(reached, seconds)
        fresh = {
            layer: Measurement(similar.get(layer), distant.get(layer)) for layer in {**similar, **distant}
        }
        self.latest |= {layer: _merge(self.latest.get(layer), reading) for layer, reading in fresh.items()}
        return fresh


class _Metric:
    """One metric, the time it has taken, and how often it has read each layer."""

    def __init__(self, measure: Callable[[Images], float | None]) -> None:
        self._measure = measure
        self._spent_seconds = 0.0
        self._readings = Counter[str]()

    def is_due(self, seconds: float) -> bool:
        return self._spent_seconds <= SHARE * seconds

    def read(self, reached: Mapping[str, Images], seconds: float) -> dict[str, float | None]:
        """Measure the layer with the fewest readings, if one is due."""
        if not self.is_due(seconds):
            return {}
        layer = min(reached, key=lambda name: self._readings[name])
        started = time.perf_counter()
        value = self._measure(reached[layer])
        self._spent_seconds += time.perf_counter() - started
        self._readings[layer] += 1
        return {layer: value}


def _merge(before: Measurement | None, fresh: Measurement) -> Measurement:
    if before is None:
        return fresh
    return Measurement(
        before.ssim if fresh.ssim is None else fresh.ssim,
        before.lpips if fresh.lpips is None else fresh.lpips,
    )
