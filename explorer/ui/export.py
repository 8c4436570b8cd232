"""Export: everything a visitor has made from a picture as one zip, with the commands that repeat it."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import astuple

import gradio as gr

from explorer.decoding.square import CENTRE, Crop
from explorer.features.backbone import Backbone
from explorer.features.recorded import MAX_HEADER, SUFFIX, RecordedFeatures
from explorer.images import Picture
from explorer.lab.lab import Lab
from explorer.lab.layer import Source
from explorer.lab.methods import is_iterative
from explorer.lab.run import Reconstruction
from explorer.report.animation import race_gif
from explorer.report.bundle import FEATURES, ORIGINAL, Result, RunInfo, repeat_command, zip_report
from explorer.ui.bounds import FEATURES_BYTES
from explorer.ui.session.app_state import AppState
from explorer.ui.session.exploring import write_backbone
from explorer.ui.session.live_run import LiveRun
from explorer.ui.session.made import Made
from explorer.ui.session.recall import recall
from explorer.ui.session.visit import Exploration

TOO_MANY_FEATURES = "The zip lacks the features, which are {} MB: the command `features` writes them."
NO_ROOM = "The server could not write the export: {reason}. Please tell whoever runs it, and try again later."


class ExportHandlers:
    """Translate between the button and the visitor's reconstructions."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def pack(self, request: gr.Request) -> tuple[str, str]:
        """Return the zip's name and its content in base64."""
        exploration = recall(self._state.visit(request))
        try:
            content = pack_exploration(self._state.lab, exploration)
        except OSError as error:
            raise gr.Error(NO_ROOM.format(reason=error.strerror), print_exception=False) from error
        return f"{exploration.given.name.removesuffix(SUFFIX)}.zip", b64encode(content).decode("ascii")


def pack_exploration(lab: Lab, exploration: Exploration) -> bytes:
    """Make the zip: pictures, sheet, animation, metrics, settings, commands, and features."""
    # Gathered once: another choice or another run may come while this one is packed.
    given, run = exploration.given, exploration.run
    results = _score(lab, exploration.decoded.made if exploration.decoded else None, run and run.made)
    reconstructions = [one.reconstruction for one in results]
    settings = {layer: chosen.settle(lab.device) for layer, chosen in run.settings.items()} if run else {}
    source = ORIGINAL if isinstance(given, Picture) else FEATURES
    commands = write_commands(lab.backbone, reconstructions, run, source)
    info = RunInfo.of(
        lab,
        [one.layer for one in reconstructions],
        command_line="\n".join([*describe_crop(exploration.crop), *commands]),
        seed=run.options.seed if run else 0,
        settings=settings,
        crop=exploration.crop,
    )
    frames = run.history.frames if run else []
    original = given.images if isinstance(given, Picture) else None
    animation = race_gif(original, frames, lab.layers) if frames else None
    return zip_report(info, given, results, animation, record(lab, given))


def record(lab: Lab, given: Source) -> RecordedFeatures | None:
    """Give the features of all layers as the command line writes them, or those that were given.

    None, with a word to the visitor, where they are more than the page itself would take.
    """
    recorded = lab.record(given) if isinstance(given, Picture) else given
    if recorded.nbytes + MAX_HEADER > FEATURES_BYTES:
        gr.Info(TOO_MANY_FEATURES.format(f"{recorded.nbytes / 2**20:.0f}"))
        return None
    return recorded


def write_commands(
    backbone: Backbone, reconstructions: Sequence[Reconstruction], run: LiveRun | None, source: str = ORIGINAL
) -> list[str]:
    """Write the commands that repeat reconstructions, some of them a run's, from a file of the zip itself.

    Layers that share method, evaluations and settings share a command; a run that was stopped may need four.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for made in reconstructions:
        groups.setdefault((made.method, *_write_options(made, run)), []).append(made.layer)
    return [
        repeat_command(
            "reconstruct", source, "--method", method, "--layers", ",".join(layers),
            *write_backbone(backbone), "--out", f"repeated-{method}-{'-'.join(layers)}", *options,
        )
        for (method, *options), layers in groups.items()
    ]  # fmt: skip


def describe_crop(crop: Crop) -> list[str]:
    """Say above the commands, which begin with the square itself, how to cut it from the photo."""
    shares = ",".join(map(str, astuple(crop)))
    return [] if crop == CENTRE else [f"# {ORIGINAL} is the square of the photo that --crop {shares} takes."]


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
        results += [Result(made.given.name, one, scores[layer]) for layer, one in made.results.items()]
    return results
