"""Export: everything a visitor has made from a picture as one zip, with the commands that repeat it."""

import tempfile
from pathlib import Path

import gradio as gr

from explorer.lab.lab import Lab
from explorer.lab.methods import is_iterative
from explorer.lab.run import Reconstruction
from explorer.metrics.scores import Scores
from explorer.report.animation import race_gif
from explorer.report.bundle import Result, RunInfo, repeat_command, zip_report
from explorer.ui.components.picture_input import NO_PICTURE
from explorer.ui.session.app_state import AppState, Visit, score_key


def wire_export(state: AppState, button: gr.Button, download: gr.DownloadButton) -> None:
    """Pack on a click, then let the browser fetch the file."""

    def pack(request: gr.Request) -> str:
        visit = state.visit(request.session_hash)
        if visit.picture is None:
            raise gr.Error(NO_PICTURE, print_exception=False)
        path = Path(tempfile.mkdtemp(prefix="export-")) / f"{visit.picture.name}.zip"
        path.write_bytes(pack_visit(state.lab, visit))
        return str(path)

    packed = button.click(
        pack, outputs=[download], concurrency_limit=1, show_progress="minimal", api_visibility="private"
    )
    # The link gets its address after this event's own; a click before that would fetch the file before.
    packed.success(None, js="() => setTimeout(() => document.querySelector('#download').click(), 200)")


def pack_visit(lab: Lab, visit: Visit) -> bytes:
    """Make the zip: pictures, sheet, animation, metrics, settings and commands."""
    picture = visit.picture
    if picture is None:
        raise ValueError("There is nothing to export without a picture.")
    made = [*visit.decoded.values(), *visit.optimised.values()]
    results = [Result(picture.name, one, _score(lab, visit, one)) for one in made]
    run = RunInfo.of(
        lab,
        [one.layer for one in made],
        command_line="\n".join(commands(lab, visit)),
        seed=visit.options.seed,
        settings={layer: chosen.settle(lab.device) for layer, chosen in visit.settings.items()},
    )
    frames = visit.history.frames
    return zip_report(run, picture, results, race_gif(picture.images, frames) if frames else None)


def commands(lab: Lab, visit: Visit) -> list[str]:
    """Write the commands that repeat the visit's reconstructions from the zip's own original.png.

    Layers of one method that took as many steps share a command; a race that was stopped may need four.
    """
    groups: dict[tuple[str, int], list[str]] = {}
    for made in (*visit.decoded.values(), *visit.optimised.values()):
        groups.setdefault((made.method, made.evaluations), []).append(made.layer)
    return [_command(lab, visit, method, steps, layers) for (method, steps), layers in groups.items()]


def _command(lab: Lab, visit: Visit, method: str, steps: int, layers: list[str]) -> str:
    arguments = ["reconstruct", "original.png", "--method", method, "--layers", ",".join(layers)]
    weights = Path(lab.backbone.source).name
    arguments += ["--weights", weights, "--out", f"repeated-{method}-{'-'.join(layers)}"]
    if is_iterative(method):
        arguments += ["--steps", str(steps), "--seed", str(visit.options.seed)]
        chosen = [f"{key}={value}" for key, value in visit.options.tuning().items()]
        arguments += ["--set", *chosen] if chosen else []
    return repeat_command(*arguments)


def _score(lab: Lab, visit: Visit, made: Reconstruction) -> Scores:
    """Give the scores that the page shows; measure what has not been measured yet."""
    key = score_key(made)
    if key not in visit.scores and visit.picture is not None:
        visit.scores[key] = lab.score(visit.picture, made)
    return visit.scores[key]
