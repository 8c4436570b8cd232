"""The Instant tab: on upload every layer is decoded at once; slower metrics follow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import gradio as gr

from explorer.decoders.checkpoint import LINEAR
from explorer.decoders.mixed import MIXED
from explorer.features.network import Network
from explorer.images import Picture, quantise
from explorer.lab.lab import Lab
from explorer.lab.layer import LayerLab, Source
from explorer.lab.methods import METHODS, REFINED, OnePass
from explorer.lab.run import Reconstruction
from explorer.lab.workers import map_jobs
from explorer.metrics.functional import psnr, ssim
from explorer.metrics.thumbnail import thumbnail_side
from explorer.ui.session.app_state import AppState
from explorer.ui.session.made import Made
from explorer.ui.session.visit import Decoded, Exploration
from explorer.ui.stage import StagePanel, StageValue, begin_stage, build_stage, still
from explorer.ui.stage.captions import (
    Sentence,
    describe_going_on,
    describe_layers,
    describe_passes,
    flat_psnr_db,
)
from explorer.ui.stage.second_looks import show_second_looks

# Each layer's balanced decoder. On 30 photos the mixture at layer3 kept the PSNR of the faithful one within
# .01 dB, had a lower LPIPS on all of them, and another network recognised nearly twice as many.
BEST, BALANCED = "best", "Balanced"
WELCOME_STATUS = "An example, brought back from each layer’s features alone. Drop a photo of your own."
# A decoder knows the pictures it was fitted on; its numbers there flatter it.
FITTED_NOTE = "linear decoder, fitted on this very picture among others"
FIRST_LOOK = "decoded"


@dataclass(frozen=True, slots=True)
class InstantTab:
    """The tab's components."""

    decoder: gr.Radio
    stage: gr.HTML


def build_instant(network: Network) -> InstantTab:
    """Lay out the tab."""
    with gr.Row(elem_classes="toolbar", equal_height=True):
        decoder = gr.Radio(list_decoders(), value=BEST, label="Decoder", elem_id="decoder", container=False)
    stage = build_stage(
        "instant", network.layers, title="What a decoder brings back at once", elem_id="instant"
    )
    return InstantTab(decoder, stage)


def list_decoders() -> list[tuple[str, str]]:
    """List the one-pass methods as choices, the balanced one first; a dial gives the mixtures."""
    single = {
        name: method for name, method in METHODS.items() if isinstance(method, OnePass) and name != MIXED
    }
    return [(BALANCED, BEST), *((method.label, name) for name, method in single.items())]


def decode_picture(state: AppState, exploration: Exploration, method: str = BEST) -> Iterator[StageValue]:
    """Decode a picture, several layers at once; each value holds all there is so far.

    A refined picture comes last, pass by pass. What takes longer to measure is left to `measure_decoded`, so
    that a visitor who waits for pictures waits for no figures of others. A layer without the wanted decoder
    takes its best one, and says so. What was decoded before stays, with its figures, until all are done.
    """
    given, lab = exploration.given, state.lab
    value = replace(begin_stage(given, lab.layers), status="Decoding …", is_over=False)
    exploration.decoding = value.run
    yield value
    decoded: dict[str, Reconstruction] = {}
    found: dict[str, list[float]] = {}
    for made, note in _decode_layers(lab, exploration, method):
        panel = _panel(given, made, state.network.shapes[made.layer], note)
        value = replace(value, panels={**value.panels, made.layer: panel})
        decoded[made.layer] = made
        found.setdefault(made.layer, []).append(panel.psnr_db or 0.0)
        yield value
    captions = _describe(lab, given, found)
    value = replace(value, captions=captions, status="Measuring …")
    if exploration.decoding == value.run:
        exploration.decoded = Decoded(Made(given, decoded), value)
    yield value


def measure_decoded(state: AppState, exploration: Exploration) -> StageValue | None:
    """Measure what has been decoded; None where that is shown, or another choice has taken the stage."""
    decoded = exploration.decoded
    run = decoded and decoded.stage.run
    if decoded is None or run == exploration.measured or run != exploration.decoding:
        return None
    value = _scored(state, decoded)
    if run != exploration.decoding:  # Another choice has come meanwhile.
        return None
    exploration.measured = value.run
    return value


def welcome_exploration(state: AppState, welcome: Made) -> tuple[Exploration, StageValue]:
    """Return an example that was decoded and measured before anybody asked, and its stage."""
    given = welcome.given
    exploration = Exploration(given, given.name)
    panels = {
        layer: _panel(given, made, state.network.shapes[layer], _note(state.lab, exploration, made, BEST))
        for layer, made in welcome.results.items()
    }
    captions = _describe(state.lab, given, {layer: [one.psnr_db or 0.0] for layer, one in panels.items()})
    begun = begin_stage(given, state.network.layers)
    value = replace(begun, panels=panels, captions=captions, status="Measuring …")
    exploration.decoded = Decoded(welcome, value, WELCOME_STATUS)
    exploration.decoding = exploration.measured = value.run
    return exploration, _scored(state, exploration.decoded)


def look_again(state: AppState, exploration: Exploration) -> str | None:
    """Add what other decoders tell of what is shown and measured; None where there is no more to tell."""
    decoded = exploration.decoded
    run = decoded and decoded.stage.run
    is_shown = run == exploration.measured == exploration.decoding
    if decoded is None or run == exploration.looked_again or not is_shown:
        return None
    made = decoded.made
    looks = made.look_again(state.lab)
    if run != exploration.decoding:  # Another choice has come meanwhile.
        return None
    exploration.looked_again = decoded.stage.run
    return _scored(state, decoded).text(**show_second_looks(made.results, looks.between, looks.doubts))


def _scored(state: AppState, decoded: Decoded) -> StageValue:
    """Return the stage with the scores of the pictures that it shows."""
    is_trained = state.lab.backbone.is_trained
    return replace(decoded.stage, status=decoded.status).scored(
        decoded.made.measure(state.lab), is_trained=is_trained
    )


def choose_decoder(at: LayerLab, wanted: str) -> str:
    """Name the decoder that a layer is decoded by: the wanted one, or what stands in for it."""
    if wanted == BEST:
        return at.balanced_decoder
    return at.best_decoder if at.unavailable(wanted) else wanted


def describe_pass(number: int) -> str:
    """Say of a picture how often it has been refined."""
    return f"looked at again and corrected: pass {number}"


def _decode_layers(lab: Lab, exploration: Exploration, method: str) -> Iterator[tuple[Reconstruction, str]]:
    """Yield every layer's picture with its note, then again each that is refined, pass by pass."""
    given = exploration.given
    refining: dict[str, Iterator[Reconstruction]] = {}

    def decode(layer: str) -> Reconstruction:
        at = lab.at(layer)
        chosen = choose_decoder(at, method)
        if chosen != REFINED:
            return at.reconstruct(given, chosen)
        refining[layer] = at.watch_passes(given)
        return next(refining[layer])

    layers = lab.layers if isinstance(given, Picture) else given.layers
    for layer, made in zip(layers, map_jobs(decode, layers, lab.device), strict=True):
        yield made, FIRST_LOOK if layer in refining else _note(lab, exploration, made, method)
    for passes in refining.values():
        for number, made in enumerate(passes, 1):
            yield made, describe_pass(number)


def _describe(lab: Lab, given: Source, looks: Mapping[str, Sequence[float]]) -> list[Sentence]:
    """Say what has come back by the PSNR of every look at a layer, or what the network makes of features."""
    if isinstance(given, Picture):
        last = {layer: psnr_db[-1] for layer, psnr_db in looks.items()}
        passes = [describe_passes(layer, psnr_db) for layer, psnr_db in looks.items() if len(psnr_db) > 1]
        return [*describe_layers(last, flat_psnr_db(given.images)), *passes]
    deepest = given.layers[-1]
    answer = lab.go_on(given, deepest)
    return [describe_going_on(deepest, answer)] if answer else []


def _note(lab: Lab, exploration: Exploration, made: Reconstruction, wanted: str) -> str:
    """Say which decoder stands in for the wanted one, or that a linear one knows this very picture."""
    if made.method == "linear" and exploration.example and not lab.models.ships(made.layer, LINEAR):
        return FITTED_NOTE
    is_wanted = made.method == wanted or (wanted == BEST and made.method in (MIXED, "decoder"))
    chosen = METHODS[made.method]
    name = chosen.variant if isinstance(chosen, OnePass) else made.method
    return "" if is_wanted else f"{name} decoder"


def _panel(given: Source, reconstruction: Reconstruction, shape: str, note: str) -> StagePanel:
    images = quantise(reconstruction.images.cpu())  # What the picture shown has, to the last digit.
    panel = StagePanel(still(images), shape, psnr_db=None, feature=None, note=note)
    if not isinstance(given, Picture):
        return panel
    original = quantise(given.images)
    return replace(
        panel,
        psnr_db=float(psnr(images, original)),
        ssim=float(ssim(images, original)),
        thumbnail=float(thumbnail_side(images, original)),
    )
