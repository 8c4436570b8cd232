"""The Instant tab: on upload every layer is decoded at once; slower metrics follow."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import gradio as gr

from explorer.backbones import LAYERS
from explorer.images import Picture
from explorer.metrics import Scores, psnr, ssim
from explorer.reconstruction import Reconstruction
from explorer.ui.desk import Desk, Visit
from explorer.ui.examples import recognise_example
from explorer.ui.picture_input import read_upload
from explorer.ui.stage import StagePanel, StageValue, build_stage, still
from explorer.ui.words import describe_gap, describe_layers

# Decoding is short and must not wait for a race.
DECODING = "decoding"
LINEAR_NOTE = "linear decoder"
# A decoder knows the pictures it was fitted on; its numbers there flatter it.
FITTED_NOTE = "linear decoder, fitted on this very picture among others"


def build_instant() -> gr.HTML:
    """Lay out the tab and return its stage."""
    return build_stage("instant", title="What a decoder brings back at once", elem_id="instant")


def wire_instant(desk: Desk, stage: gr.HTML, others: list[gr.HTML], picture: gr.Image) -> None:
    """Decode every new picture at once; a newer one replaces those that still wait."""

    def show(path: str | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        visit = desk.visit(request.session_hash)
        visit.put(None)
        if path is not None:
            given = read_upload(path)
            visit.put(given, recognise_example(given))
        for index, value in enumerate(decode_visit(desk, visit)):
            fresh = StageValue(value.run, value.original).plain() if index == 0 else gr.skip()
            yield value.plain(), *(fresh for _ in others)

    picture.change(
        show,
        [picture],
        [stage, *others],
        trigger_mode="always_last",
        concurrency_id=DECODING,
        concurrency_limit=1,
        show_progress="hidden",
        api_visibility="private",
    )


def decode_visit(desk: Desk, visit: Visit) -> Iterator[StageValue]:
    """Decode the visit's picture layer by layer, then measure; each value holds all there is so far."""
    picture = visit.picture
    if picture is None:
        yield StageValue(run=uuid4().hex, original="", status="")
        return
    value = StageValue(run=uuid4().hex, original=still(picture.images), status="Decoding …", is_over=False)
    yield value
    note = FITTED_NOTE if visit.example else LINEAR_NOTE
    for layer in LAYERS:
        reconstruction = desk.lab.reconstruct(picture, layer, desk.lab.best_decoder(layer))
        visit.decoded[layer] = reconstruction
        panels = {**value.panels, layer: _panel(desk, picture, reconstruction, note)}
        value = replace(value, panels=panels)
        yield value
    value = replace(value, words=_words(value), status="Measuring …")
    yield value
    scores = {layer: desk.lab.score(picture, visit.decoded[layer]) for layer in LAYERS}
    visit.scores |= {f"decoder {layer}": score for layer, score in scores.items()}
    panels = {layer: _with_scores(panel, scores[layer]) for layer, panel in value.panels.items()}
    words = " ".join(filter(None, [_words(value), describe_gap(scores)]))
    yield replace(value, panels=panels, words=words, status=_missing(scores), is_over=True)


def _panel(desk: Desk, picture: Picture, reconstruction: Reconstruction, note: str) -> StagePanel:
    images, original = reconstruction.images.cpu(), picture.images
    return StagePanel(
        src=still(images),
        shape=desk.shapes.get(reconstruction.layer, ""),
        psnr_db=float(psnr(images, original)),
        ssim=float(ssim(images, original)),
        feature=None,
        note=note if reconstruction.method == "linear" else "",
    )


def _with_scores(panel: StagePanel, scores: Scores) -> StagePanel:
    return replace(panel, lpips=scores.lpips, feature=scores.feature_error)


def _words(value: StageValue) -> str:
    return describe_layers({layer: panel.psnr_db or 0.0 for layer, panel in value.panels.items()})


def _missing(scores: dict[str, Scores]) -> str:
    """Say why a metric is missing, once."""
    return " ".join(sorted({reason for score in scores.values() for reason in score.reasons.values()}))
