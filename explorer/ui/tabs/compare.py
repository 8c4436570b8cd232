"""The Compare tab: any two of the original, the decoded and the optimised pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency

from explorer.features.network import Network
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.lab.workers import compute
from explorer.metrics.recognition import NAME, Prediction
from explorer.metrics.scores import METRICS, Scores, join_reasons
from explorer.report.recording import DEEPEST
from explorer.ui.compare_slider import SliderPicture, SliderValue, build_compare_slider
from explorer.ui.components.arguments import sent_with, text
from explorer.ui.components.events import one_at_a_time
from explorer.ui.components.recordings import read_deepest
from explorer.ui.session.app_state import AppState
from explorer.ui.session.recall import has_picture, recall
from explorer.ui.session.visit import Exploration, Visit
from explorer.ui.stage import still

COMPARE = "compare"  # As the address calls the tab.
ORIGINAL = "original"
RECORDED = f"{DEEPEST} recorded"


def build_compare() -> gr.HTML:
    """Lay out the tab and return its slider."""
    return build_compare_slider()


def wire_compare(state: AppState, tab: gr.Tab, slider: gr.HTML, changes: Sequence[Dependency]) -> None:
    """Fill the tab when it is opened or, while it is, after an event that changes a visitor's pictures."""
    handlers = CompareHandlers(state)
    comparing: dict[str, Any] = {
        "outputs": [slider],
        "trigger_mode": "multiple",
        **one_at_a_time("comparing"),
    }
    tab.select(handlers.open, **comparing)
    slider.pick(handlers.pick, **comparing)
    for change in changes:
        change.success(handlers.renew_pair, **comparing)


class CompareHandlers:
    """Translate between the slider's keys and the visitor's pictures."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def open(self, request: gr.Request) -> dict[str, Any]:
        """Compare the pair that was chosen last; at first, the original with the last picture there is."""
        visit = self._state.visit(request)
        visit.tab = COMPARE
        return self._compare(visit).plain()

    def renew_pair(self, request: gr.Request) -> dict[str, Any]:
        """Compare the pictures that are there now, if the tab is in view; else it waits to be opened."""
        visit = self._state.visit(request)
        return self._compare(visit).plain() if visit.tab == COMPARE else gr.skip()

    def pick(self, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """Compare the two pictures that the slider names."""
        visit = self._state.visit(request)
        a, b = (text(side, sent_with(event, side)) for side in "ab")
        visit.pair = a, b
        return self._compare(visit).plain()

    def _compare(self, visit: Visit) -> SliderValue:
        if not has_picture(visit):
            return SliderValue()
        exploration = recall(visit)
        return compute(lambda: compare(self._state.lab, exploration, *visit.pair))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture that can be compared; the original has no layer."""

    images: Images
    kind: str
    layer: str | None = None

    @property
    def label(self) -> str:
        """What the page calls it."""
        return f"{self.layer} {self.kind}" if self.layer else self.kind.capitalize()


def compare(lab: Lab, exploration: Exploration, a: str = ORIGINAL, b: str = "") -> SliderValue:
    """Measure two of a visitor's pictures; the second defaults to the last one there is."""
    candidates = gather_candidates(exploration) | gather_recorded(exploration.example, lab.network)
    pictures = {
        key: SliderPicture(one.label, still(one.images), one.layer) for key, one in candidates.items()
    }
    if len(candidates) < 2:
        return SliderValue(pictures)
    made = list(exploration.optimised_results)  # What a visitor has just made goes first.
    b = b if b in candidates else f"{made[-1]} optimised" if made else list(candidates)[-1]
    a = a if a in candidates else next(key for key in candidates if key != b)
    opinions = {key: lab.scorer.predictions(candidates[key].images) for key in (a, b)}
    others = [lab.scorer.independent_predictions(candidates[key].images) for key in (a, b)]
    return SliderValue(
        pictures,
        a,
        b,
        describe_scores(lab.scorer.compare(candidates[b].images, candidates[a].images)),
        describe_opinions(lab.models.network.title, opinions[a], opinions[b]),
        describe_others(*others),
        {key: [(one.label, one.probability) for one in opinion] for key, opinion in opinions.items()},
    )


def gather_candidates(exploration: Exploration) -> dict[str, Candidate]:
    """List the original, if it is there, then what was decoded and optimised, by the slider's keys."""
    made = [(layer, "decoded", one) for layer, one in exploration.decoded_results.items()]
    made += [(layer, "optimised", one) for layer, one in exploration.optimised_results.items()]
    given = exploration.given
    original = {ORIGINAL: Candidate(given.images, ORIGINAL)} if isinstance(given, Picture) else {}
    return original | {f"{layer} {kind}": Candidate(one.images, kind, layer) for layer, kind, one in made}


def gather_recorded(example: str | None, network: Network) -> dict[str, Candidate]:
    """Give what a search made of an example's last layer before anybody asked: it takes a minute."""
    images = read_deepest(example) if example is not None and network.is_resnet50 else None
    return {} if images is None else {RECORDED: Candidate(images, "recorded", DEEPEST)}


def describe_scores(scores: Scores) -> str:
    """Write the numbers between two pictures; a missing one says why."""
    if scores["psnr_db"] == math.inf:
        return "The two pictures are equal, pixel for pixel."
    known = [METRICS[key].caption(value) for key, value in scores.values.items() if value is not None]
    return f"{' · '.join(known)} {join_reasons([scores])}".rstrip()


def describe_opinions(network: str, a: list[Prediction], b: list[Prediction]) -> str:
    """Say whether a network takes the two pictures for the same thing."""
    if a[0].label != b[0].label:
        return f"{network} sees “{a[0].label}” on the left and “{b[0].label}” on the right."
    if {one.label for one in a} == {one.label for one in b}:
        return f"{network} cannot tell these two apart: “{a[0].label}” in both, and the same top five."
    return f"{network} sees “{a[0].label}” in both."


def describe_others(a: list[Prediction], b: list[Prediction]) -> str:
    """Say what the independent network takes the two pictures for."""
    if a[0].label == b[0].label:
        return f"Another network, {NAME}, sees “{a[0].label}” in both."
    return f"Another network, {NAME}, sees “{a[0].label}” on the left and “{b[0].label}” on the right."
