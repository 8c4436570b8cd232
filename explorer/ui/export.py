"""Export: everything a visitor has made from a picture as one zip, with the commands that repeat it."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from explorer.features.backbone import RESNET50, Backbone
from explorer.lab.lab import Lab
from explorer.lab.methods import is_iterative
from explorer.lab.run import Reconstruction
from explorer.report.animation import race_gif
from explorer.report.bundle import Result, RunInfo, repeat_command, zip_report
from explorer.ui.components.events import one_at_a_time
from explorer.ui.session.app_state import AppState
from explorer.ui.session.live_run import LiveRun
from explorer.ui.session.made import Made
from explorer.ui.session.recall import recall
from explorer.ui.session.visit import Exploration

NO_ROOM = "The server could not write the export: {reason}. Please tell whoever runs it, and try again later."


def wire_export(state: AppState, button: gr.Button) -> None:
    """Pack on a click, then let the browser save what it was sent: no file stays on the server."""
    handlers = ExportHandlers(state)
    name, packed = gr.Textbox(visible=False), gr.Textbox(visible=False)
    packing = {**one_at_a_time("packing"), "show_progress": "minimal"}
    done = button.click(handlers.pack, None, [name, packed], **packing)
    # The answer empties the box again.
    done.success(None, [name, packed], [packed], js="(name, packed) => window.explorerSave(name, packed)")


class ExportHandlers:
    """Translate between the button and the visitor's reconstructions."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def pack(self, request: gr.Request) -> tuple[str, str]:
        """Return the zip's name and its content in base64."""
        exploration = recall(self._state.visits.get(request.session_hash))
        try:
            content = pack_exploration(self._state.lab, exploration)
        except OSError as error:
            raise gr.Error(NO_ROOM.format(reason=error.strerror), print_exception=False) from error
        return f"{exploration.picture.name}.zip", b64encode(content).decode("ascii")


def pack_exploration(lab: Lab, exploration: Exploration) -> bytes:
    """Make the zip: pictures, sheet, animation, metrics, settings and commands."""
    # Gathered once: another choice or another run may come while this one is packed.
    picture, run = exploration.picture, exploration.run
    results = _score(lab, exploration.decoded.made if exploration.decoded else None, run and run.made)
    reconstructions = [one.reconstruction for one in results]
    settings = {layer: chosen.settle(lab.device) for layer, chosen in run.settings.items()} if run else {}
    info = RunInfo.of(
        lab,
        [one.layer for one in reconstructions],
        command_line="\n".join(write_commands(lab.backbone, reconstructions, run)),
        seed=run.options.seed if run else 0,
        settings=settings,
    )
    frames = run.history.frames if run else []
    animation = race_gif(picture.images, frames, lab.layers) if frames else None
    return zip_report(info, picture, results, animation)


def write_commands(
    backbone: Backbone, reconstructions: Sequence[Reconstruction], run: LiveRun | None
) -> list[str]:
    """Write the commands that repeat reconstructions, some of them a run's, from the zip's own original.png.

    Layers that share method, evaluations and settings share a command; a run that was stopped may need four.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for made in reconstructions:
        groups.setdefault((made.method, *_write_options(made, run)), []).append(made.layer)
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


def _write_options(made: Reconstruction, run: LiveRun | None) -> list[str]:
    if not is_iterative(made.method) or run is None:
        return []
    overrides = run.overrides(made.layer)
    options = ["--steps", str(made.evaluations), "--seed", str(run.options.seed)]
    return [*options, "--set", *overrides] if overrides else options


def _score(lab: Lab, *all_made: Made | None) -> list[Result]:
    """Give the scores that the page shows; measure what has not been measured yet."""
    results = []
    for made in filter(None, all_made):
        scores = made.measure(lab)
        results += [Result(made.picture.name, one, scores[layer]) for layer, one in made.results.items()]
    return results
