"""Export: everything a visitor has made from a picture as one zip, with the commands that repeat it."""

from base64 import b64encode
from pathlib import Path

import gradio as gr

from explorer.features.backbone import RESNET50, Backbone
from explorer.lab.lab import Lab
from explorer.lab.methods import is_iterative
from explorer.lab.run import Reconstruction
from explorer.report.animation import race_gif
from explorer.report.bundle import Result, RunInfo, repeat_command, zip_report
from explorer.ui.components.events import one_at_a_time
from explorer.ui.components.picture_input import NO_PICTURE
from explorer.ui.session.app_state import AppState
from explorer.ui.session.live_run import score_results
from explorer.ui.session.recall import recall
from explorer.ui.session.visit import Exploration

NO_ROOM = "The server could not write the export: {reason}. Please tell whoever runs it, and try again later."


def wire_export(state: AppState, button: gr.Button, picture: gr.Image) -> None:
    """Pack on a click, then let the browser save what it was sent: no file stays on the server."""
    handlers = ExportHandlers(state)
    name, packed = gr.Textbox(visible=False), gr.Textbox(visible=False)
    packing = {**one_at_a_time("packing"), "show_progress": "minimal"}
    done = button.click(handlers.pack, [picture], [name, packed], **packing)
    # The answer empties the box again.
    done.success(None, [name, packed], [packed], js="(name, packed) => window.explorerSave(name, packed)")


class ExportHandlers:
    """Translate between the button and the visitor's reconstructions."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def pack(self, path: str | None, request: gr.Request) -> tuple[str, str]:
        """Return the zip's name and its content in base64."""
        visit = self._state.visits.get(request.session_hash)
        if path is None and visit.exploration is None:
            raise gr.Error(NO_PICTURE, print_exception=False)
        exploration = recall(visit, path)
        try:
            content = pack_exploration(self._state.lab, exploration)
        except OSError as error:
            raise gr.Error(NO_ROOM.format(reason=error.strerror), print_exception=False) from error
        return f"{exploration.picture.name}.zip", b64encode(content).decode("ascii")


def pack_exploration(lab: Lab, exploration: Exploration) -> bytes:
    """Make the zip: pictures, sheet, animation, metrics, settings and commands."""
    picture, run = exploration.picture, exploration.run
    results = _score(lab, exploration)
    settings = {layer: chosen.settle(lab.device) for layer, chosen in run.settings.items()} if run else {}
    info = RunInfo.of(
        lab,
        [one.reconstruction.layer for one in results],
        command_line="\n".join(write_commands(lab.backbone, exploration)),
        seed=run.options.seed if run else 0,
        settings=settings,
    )
    frames = run.history.frames if run else []
    animation = race_gif(picture.images, frames, lab.layers) if frames else None
    return zip_report(info, picture, results, animation)


def write_commands(backbone: Backbone, exploration: Exploration) -> list[str]:
    """Write the commands that repeat the reconstructions from the zip's own original.png.

    Layers that share method, evaluations and settings share a command; a run that was stopped may need four.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for made in _list_made(exploration):
        groups.setdefault((made.method, *_write_options(made, exploration)), []).append(made.layer)
    return [
        repeat_command(
            "reconstruct", "original.png", "--method", method, "--layers", ",".join(layers),
            *write_backbone(backbone), "--out", f"repeated-{method}-{'-'.join(layers)}", *options,
        )
        for (method, *options), layers in groups.items()
    ]  # fmt: skip


def write_backbone(backbone: Backbone) -> list[str]:
    """Write the options that name a network and its weights, but not where a file of them lies."""
    named = [] if backbone.architecture == RESNET50 else ["--backbone", backbone.architecture]
    return [*named, "--weights", Path(backbone.source).name]


def _write_options(made: Reconstruction, exploration: Exploration) -> list[str]:
    run = exploration.run
    if not is_iterative(made.method) or run is None:
        return []
    overrides = run.overrides(made.layer)
    options = ["--steps", str(made.evaluations), "--seed", str(run.options.seed)]
    return [*options, "--set", *overrides] if overrides else options


def _list_made(exploration: Exploration) -> list[Reconstruction]:
    optimised = exploration.run.results if exploration.run else {}
    return [*exploration.decoded.values(), *optimised.values()]


def _score(lab: Lab, exploration: Exploration) -> list[Result]:
    """Give the scores that the page shows; measure what has not been measured yet."""
    picture, run = exploration.picture, exploration.run
    if exploration.decoded and not exploration.decoded_scores:
        exploration.decoded_scores = score_results(lab, picture, exploration.decoded)
    if run and run.results and not run.scores:
        run.scores = score_results(lab, picture, run.results)
    pairs = [(made, exploration.decoded_scores[layer]) for layer, made in exploration.decoded.items()]
    pairs += [(made, run.scores[layer]) for layer, made in run.results.items()] if run else []
    return [Result(picture.name, made, scores) for made, scores in pairs]
