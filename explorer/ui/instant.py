"""The Instant tab: on upload every layer is decoded at once; slower metrics follow."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import gradio as gr

from explorer.backbones import LAYERS
from explorer.images import Picture
from explorer.metrics import Scores, psnr, ssim
from explorer.reconstruction import Reconstruction
from explorer.ui.desk import Desk, Visit, score_key
from explorer.ui.stage import StagePanel, StageValue, build_stage, still
from explorer.ui.words import Sentence, describe_gap, describe_layers, flat_psnr_db

LINEAR_NOTE = "linear decoder"
# A decoder knows the pictures it was fitted on; its numbers there flatter it.
FITTED_NOTE = "linear decoder, fitted on this very picture among others"


def build_instant() -> gr.HTML:
    """Lay out the tab and return its stage."""
    return build_stage("instant", title="What a decoder brings back at once", elem_id="instant")


def decode_visit(desk: Desk, visit: Visit) -> Iterator[StageValue]:
    """Decode the visit's picture layer by layer, then measure; each value holds all there is so far.

    Ends without a further word when another picture takes its place meanwhile.
    """
    picture = visit.picture
    if picture is None:
        return
    value = StageValue(run=uuid4().hex, original=still(picture.images), status="Decoding …", is_over=False)
    yield value
    note = FITTED_NOTE if visit.example else LINEAR_NOTE
    decoded: dict[str, Reconstruction] = {}
    for layer in LAYERS:
        decoded[layer] = desk.lab.reconstruct(picture, layer, desk.lab.best_decoder(layer))
        if visit.picture is not picture:
            return
        panels = {**value.panels, layer: _panel(desk, picture, decoded[layer], note)}
        value = replace(value, panels=panels)
        yield value
    visit.decoded = decoded
    value = replace(value, words=_words(value, picture), status="Measuring …")
    yield value
    scores = desk.score(picture, list(decoded.values()))
    if visit.picture is picture:
        visit.scores |= {score_key(made): scores[layer] for layer, made in decoded.items()}
        yield _with_scores(value, picture, scores)


def _with_scores(value: StageValue, picture: Picture, scores: dict[str, Scores]) -> StageValue:
    panels = {
        layer: replace(panel, lpips=scores[layer].lpips, feature=scores[layer].feature_error)
        for layer, panel in value.panels.items()
    }
    words = [*_words(value, picture), *describe_gap(scores)]
    return replace(value, panels=panels, words=words, status=_missing(scores), is_over=True)


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


def _words(value: StageValue, picture: Picture) -> list[Sentence]:
    psnr_db = {layer: panel.psnr_db or 0.0 for layer, panel in value.panels.items()}
    return describe_layers(psnr_db, flat_psnr_db(picture.images))


def _missing(scores: dict[str, Scores]) -> str:
    """Say why a metric is missing, once."""
    return " ".join(sorted({reason for score in scores.values() for reason in score.reasons.values()}))
