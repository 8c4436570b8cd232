"""Reconstructions of one picture and their scores: one value, so that neither stands beside another's."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from explorer.features.recorded import RecordedFeatures
from explorer.images import Images
from explorer.lab.between import Between, Doubt, doubt, mix
from explorer.lab.lab import Lab
from explorer.lab.layer import Source
from explorer.lab.run import Reconstruction
from explorer.lab.workers import compute
from explorer.metrics.scores import Scores


class Made:
    """What was made of a picture, one reconstruction a layer; measured once, by whoever asks first.

    Another choice or another run makes another one: what has been made never changes.
    """

    def __init__(self, given: Source, results: Mapping[str, Reconstruction]) -> None:
        self.results = dict(results)
        self.given = given
        self._scores: dict[str, Scores] | None = None
        self._second_looks: SecondLooks | None = None
        self._lock = Lock()

    @property
    def images(self) -> list[Images]:
        """The pictures that are held."""
        mixtures = self._second_looks.between.values() if self._second_looks else ()
        ends = [images for one in mixtures for images in (one.faithful, one.likely)]
        return [*(made.images for made in self.results.values()), *ends]

    def measure(self, lab: Lab) -> dict[str, Scores]:
        """Return the scores by layer; whoever asks while another measures waits for the same ones."""
        with self._lock:
            if self._scores is None:
                self._scores = score_results(lab, self.given, self.results) if self.results else {}
            return self._scores

    def look_again(self, lab: Lab) -> "SecondLooks":
        """Return what other decoders of the layers tell; computed once, as the scores are."""
        with self._lock:
            if self._second_looks is None:
                self._second_looks = compute(lambda: look_again(lab, self.given, self.results))
            return self._second_looks


@dataclass(frozen=True, slots=True)
class SecondLooks:
    """The ways between two decoders' pictures, and where two disagree, each by layer where there are two."""

    between: Mapping[str, Between]
    doubts: Mapping[str, Doubt]


def look_again(lab: Lab, given: Source, results: Mapping[str, Reconstruction]) -> SecondLooks:
    """Ask the layers' other decoders about one picture."""
    between = {layer: mix(lab, given, layer) for layer in results}
    doubts = {layer: doubt(lab, given, made) for layer, made in results.items()}
    return SecondLooks(
        {layer: one for layer, one in between.items() if one},
        {layer: one for layer, one in doubts.items() if one},
    )


def score_results(lab: Lab, given: Source, results: Mapping[str, Reconstruction]) -> dict[str, Scores]:
    """Measure reconstructions of one picture together, one for each layer."""
    if isinstance(given, RecordedFeatures):
        return compute(lambda: {layer: lab.score(given, one) for layer, one in results.items()})
    made = [(layer, one.images) for layer, one in results.items()]
    scores = compute(lambda: lab.scorer.score_all(made, given.images))
    return dict(zip(results, scores, strict=True))
