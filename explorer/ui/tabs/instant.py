"""The Instant tab: on upload every layer is decoded at once; slower metrics follow."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import gradio as gr

from explorer.decoders.checkpoint import LINEAR
from explorer.features.layers import LAYERS
from explorer.images import Picture, quantise
from explorer.lab.methods import METHODS, OnePass
from explorer.lab.run import Reconstruction
from explorer.metrics.functional import psnr, ssim
from explorer.metrics.scores import Scores, join_reasons
from explorer.metrics.thumbnail import thumbnail_side
from explorer.ui.session.app_state import AppState, Visit, score_key
from explorer.ui.stage import StagePanel, StageValue, build_stage, still
from explorer.ui.stage.captions import Sentence, describe_layers, describe_scores, flat_psnr_db

BEST = "decoder"
# A decoder knows the pictures it was fitted on; its numbers there flatter it.
FITTED_NOTE = "linear decoder, fitted on this very picture among others"


@dataclass(frozen=True, slots=True)
class InstantTab:
    """The tab's components."""

    decoder: gr.Radio
    stage: gr.HTML


def build_instant() -> InstantTab:
    """Lay out the tab."""
    with gr.Row(elem_classes="toolbar", equal_height=True):
        decoder = gr.Radio(list_decoders(), value=BEST, label="Decoder", elem_id="decoder", container=False)
    stage = build_stage("instant", title="What a decoder brings back at once", elem_id="instant")
    return InstantTab(decoder, stage)


def list_decoders() -> list[tuple[str, str]]:
    """List the one-pass methods as choices."""
    return [(method.label, name) for name, method in METHODS.items() if isinstance(method, OnePass)]


def decode_visit(state: AppState, visit: Visit, method: str = BEST) -> Iterator[StageValue]:
    """Decode the visit's picture layer by layer, then measure; each value holds all there is so far.

    A layer without the wanted decoder takes its best one, and says so. Ends without a further word when
    another picture takes this one's place meanwhile.
    """
    picture = visit.picture
    if picture is None:
        return
    value = StageValue(run=uuid4().hex, original=still(picture.images), status="Decoding …", is_over=False)
    yield value
    decoded: dict[str, Reconstruction] = {}
    for layer in LAYERS:
        lacks = state.lab.unavailable(layer, method)
        decoded[layer] = state.lab.reconstruct(
            picture, layer, state.lab.choose_decoder(layer) if lacks else method
        )
        if visit.picture is not picture:
            return
        panel = _panel(state, picture, decoded[layer], _note(state, visit, decoded[layer], method))
        value = replace(value, panels={**value.panels, layer: panel})
        yield value
    visit.decoded = decoded
    value = replace(value, captions=_captions(value, picture), status="Measuring …")
    yield value
    scores = state.score(picture, list(decoded.values()))
    if visit.picture is picture:
        visit.scores |= {score_key(made): scores[layer] for layer, made in decoded.items()}
        is_trained = state.lab.backbone.digest is not None
        yield _with_scores(value, picture, scores, is_trained=is_trained)


def _note(state: AppState, visit: Visit, made: Reconstruction, wanted: str) -> str:
    """Say which decoder stands in for the wanted one, or that a linear one knows this very picture."""
    if made.method == "linear" and visit.example and not state.lab.models.ships(made.layer, LINEAR):
        return FITTED_NOTE
    return "" if made.method == wanted else _describe_decoder(made.method)


def _describe_decoder(method: str) -> str:
    chosen = METHODS[method]
    return f"{chosen.variant if isinstance(chosen, OnePass) else method} decoder"


def _with_scores(
    value: StageValue, picture: Picture, scores: dict[str, Scores], *, is_trained: bool
) -> StageValue:
    panels = {
        layer: replace(panel, lpips=scores[layer]["lpips"], feature=scores[layer]["feature_error"])
        for layer, panel in value.panels.items()
    }
    captions = [*_captions(value, picture), *describe_scores(scores, is_trained=is_trained)]
    return replace(
        value, panels=panels, captions=captions, status=join_reasons(scores.values()), is_over=True
    )


def _panel(state: AppState, picture: Picture, reconstruction: Reconstruction, note: str) -> StagePanel:
    # What the picture shown has, to the last digit.
    images, original = quantise(reconstruction.images.cpu()), quantise(picture.images)
    return StagePanel(
        src=still(images),
        shape=state.shapes.get(reconstruction.layer, ""),
        psnr_db=float(psnr(images, original)),
        ssim=float(ssim(images, original)),
        feature=None,
        note=note,
        thumbnail=float(thumbnail_side(images, original)),
    )


def _captions(value: StageValue, picture: Picture) -> list[Sentence]:
    psnr_db = {layer: panel.psnr_db or 0.0 for layer, panel in value.panels.items()}
    return describe_layers(psnr_db, flat_psnr_db(picture.images))
