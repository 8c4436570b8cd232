"""The Compare tab: any two of the original, the decoded and the optimised pictures."""

import math
from collections.abc import Mapping
from typing import Any

import gradio as gr

from explorer.images import Images
from explorer.lab.lab import Lab
from explorer.lab.scorer import Prediction
from explorer.metrics.recognition import NAME
from explorer.metrics.scores import METRICS, Scores, join_reasons
from explorer.ui.compare_slider import SliderPicture, SliderValue, build_compare_slider
from explorer.ui.components.arguments import sent_with, text
from explorer.ui.session.app_state import AppState, Visit
from explorer.ui.stage import still

ORIGINAL = "original"


def build_compare() -> gr.HTML:
    """Lay out the tab and return its slider."""
    return build_compare_slider()


def wire_compare(state: AppState, tab: gr.Tab, slider: gr.HTML) -> None:
    """Fill the tab when it is opened, and measure the two pictures that are chosen."""

    def open_tab(request: gr.Request) -> dict[str, Any]:
        return compare(state.lab, state.visit(request.session_hash)).plain()

    def pick(event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        visit = state.visit(request.session_hash)
        a, b = (text(side, sent_with(event, side)) for side in "ab")
        return compare(state.lab, visit, a, b).plain()

    quiet = {"show_progress": "hidden", "concurrency_limit": 1, "concurrency_id": "comparing"}
    tab.select(open_tab, outputs=[slider], api_visibility="private", **quiet)
    slider.pick(pick, outputs=[slider], api_visibility="private", trigger_mode="always_last", **quiet)


def compare(lab: Lab, visit: Visit, a: str = ORIGINAL, b: str = "") -> SliderValue:
    """Measure two of the visit's pictures; the second defaults to the last one there is."""
    images = _gather(visit)
    pictures = {key: _describe(key, image) for key, image in images.items()}
    if len(images) < 2:
        return SliderValue(pictures)
    b = b if b in images else list(images)[-1]
    a = a if a in images else ORIGINAL
    opinions = {key: lab.scorer.predictions(images[key]) for key in (a, b)}
    others = [lab.scorer.independent_predictions(images[key]) for key in (a, b)]
    return SliderValue(
        pictures,
        a,
        b,
        describe_scores(lab.scorer.compare(images[b], images[a])),
        describe_opinions(opinions[a], opinions[b]),
        describe_others(*others),
        {key: [(one.label, one.probability) for one in opinion] for key, opinion in opinions.items()},
    )


def describe_scores(scores: Scores) -> str:
    """Write the numbers between two pictures; a missing one says why."""
    if scores["psnr_db"] == math.inf:
        return "The two pictures are equal, pixel for pixel."
    known = [METRICS[key].caption(value) for key, value in scores.values.items() if value is not None]
    return f"{' · '.join(known)} {join_reasons([scores])}".rstrip()


def describe_opinions(a: list[Prediction], b: list[Prediction]) -> str:
    """Say whether the network takes the two pictures for the same thing."""
    shared = len({one.label for one in a} & {one.label for one in b})
    if a[0].label == b[0].label:
        return (
            f"To the network both are first of all “{a[0].label}”; {shared} of the five likeliest are shared."
        )
    return (
        f"The network sees “{a[0].label}” on the left and “{b[0].label}” on the right; "
        f"{shared} of the five likeliest are shared."
    )


def describe_others(a: list[Prediction], b: list[Prediction]) -> str:
    """Say what the independent network takes the two pictures for."""
    if a[0].label == b[0].label:
        return f"Another network, {NAME}, sees “{a[0].label}” in both."
    seen = f"Another network, {NAME}, sees “{a[0].label}” on the left and “{b[0].label}” on the right"
    if a[0].label in {one.label for one in b}:
        return f"{seen}, with “{a[0].label}” among its five likeliest there."
    return f"{seen}, without “{a[0].label}” among its five likeliest there."


def _gather(visit: Visit) -> Mapping[str, Images]:
    if visit.picture is None:
        return {}
    decoded = {f"{layer} decoded": made.images for layer, made in visit.decoded.items()}
    optimised = {f"{layer} optimised": made.images for layer, made in visit.optimised.items()}
    return {ORIGINAL: visit.picture.images, **decoded, **optimised}


def _describe(key: str, images: Images) -> SliderPicture:
    layer = None if key == ORIGINAL else key.split()[0]
    return SliderPicture(key.capitalize() if key == ORIGINAL else key, still(images), layer)
