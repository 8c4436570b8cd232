"""The command `reconstruct`: every picture from every layer by one method, and the report of it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tqdm import tqdm

from explorer.commands.inputs import (
    Given,
    GivenFeatures,
    add_backbone,
    add_square,
    load_lab,
    read_sources,
    say,
    split_layers,
)
from explorer.decoders.checkpoint import DecoderError
from explorer.decoders.refinement import DEFAULT_PASSES
from explorer.examples import EXAMPLES
from explorer.features.layers import LAYERS
from explorer.features.network import survey
from explorer.files import writing_into
from explorer.inversion.settings import Settings, load_settings, parse_overrides
from explorer.lab.lab import Lab
from explorer.lab.layer import Source
from explorer.lab.methods import METHODS, REFINED, MethodUnavailableError, is_iterative
from explorer.lab.run import Reconstruction
from explorer.lab.turns import take_turns
from explorer.lab.workers import count_workers, map_jobs
from explorer.metrics.chance import describe_chance
from explorer.metrics.scores import METRICS
from explorer.report.bundle import MANIFEST, Result, RunInfo, write_picture, write_tables

BAR_FORMAT = "{desc} |{bar:30}| {n:.0f}/{total_fmt} evaluations, {elapsed}{postfix}"


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    examples = ", ".join(EXAMPLES)
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help=f"picture file, a file of features, or an example: {examples}",
    )
    parser.add_argument("--method", choices=list(METHODS), default="optimiser", help="default: %(default)s")
    parser.add_argument(
        "--layers",
        help="node names, comma-separated; nodes joined by + are inverted together (default: those that the "
        f"network offers, of ResNet-50 {','.join(LAYERS)})",
    )
    parser.add_argument(
        "--passes",
        type=int,
        help=f"how often the method refined looks again at its picture (default: {DEFAULT_PASSES})",
    )
    parser.add_argument("--steps", type=int, help="budget in evaluations of trunk forward + backward")
    parser.add_argument("--seconds", type=float, help="budget in seconds, for each layer of each picture")
    parser.add_argument("--seed", type=int, help="default: 0")
    parser.add_argument(
        "--weights",
        help="IMAGENET1K_V1, IMAGENET1K_V2, compact, untrained, or a file (default: torchvision's first)",
    )
    add_backbone(parser)
    parser.add_argument("--preset", default="balanced", help="tuned settings (default: %(default)s)")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change single settings"
    )
    add_square(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures and the report")


def run(options: Namespace) -> str:
    """Check all input, reconstruct every picture from every layer, write the report and say where it is."""
    passes = choose_passes(options)
    named = split_layers(options.layers) if options.layers else []
    pictures = read_sources(options.images, options.size, named, options.crop)
    options.layers = options.layers or ",".join(_offer(options.backbone, pictures))
    settings = choose_settings(options)
    with writing_into(options.out) as folder:
        lab = load_lab(options.weights, options.backbone)
        _check_layers(lab, list(settings), options.method)
        for given in pictures:
            _check_features(lab, given, list(settings))
        results: list[Result] = []
        for given in pictures:
            picture = given.picture
            if is_iterative(options.method):
                made = _search(lab, picture, options.method, settings)
            else:
                made = _decode(lab, picture, options.method, list(settings), passes)
            scored = [_score(lab, given, one) for one in made]
            write_picture(folder / picture.name, picture, scored, lab.layers)
            results += scored
        write_tables(folder, _describe_run(lab, settings, options), results)
    return f"Wrote {options.out / MANIFEST}"


def _offer(backbone: str, given: Sequence[Given | GivenFeatures]) -> Sequence[str]:
    """List the layers that are inverted where none is named: the network's, or those that a file holds."""
    for one in given:
        if isinstance(one, GivenFeatures):
            return one.picture.layers
    return survey(backbone).layers


def choose_settings(options: Namespace) -> dict[str, Settings]:
    """Make each layer's settings from the preset, then --set, then --steps, --seconds and --seed."""
    # Who gives only seconds wants all of them used, whatever step budget the preset has.
    changes: dict[str, Any] = {} if options.seconds is None else {"evaluations": None}
    changes |= parse_overrides(options.set)
    own = {"evaluations": options.steps, "seconds": options.seconds, "seed": options.seed}
    changes |= {name: value for name, value in own.items() if value is not None}
    offered = survey(options.backbone).layers
    return {
        layer: load_settings(layer, options.method, options.preset, layers=offered, **changes)
        for layer in split_layers(options.layers)
    }


def choose_passes(options: Namespace) -> int:
    """Check how often to look again; raises DecoderError for less than once, or for another method."""
    if options.passes is None:
        return DEFAULT_PASSES
    if options.method != REFINED:
        raise DecoderError(f"--passes is for the method {REFINED}; {options.method} makes none.")
    if options.passes < 1:
        raise DecoderError(f"--passes is {options.passes}; it must be at least 1.")
    return options.passes


def _describe_run(lab: Lab, settings: dict[str, Settings], options: Namespace) -> RunInfo:
    return RunInfo.of(
        lab,
        settings,
        command_line=options.command_line,
        seed=next(iter(settings.values())).seed,
        settings={
            layer: chosen.settle(lab.device) if is_iterative(options.method) else None
            for layer, chosen in settings.items()
        },
        crop=options.crop,
    )


def _check_layers(lab: Lab, layers: Sequence[str], method: str) -> None:
    """Load every trunk; raises UnknownNodeError or MethodUnavailableError if a layer cannot take part."""
    for layer in layers:
        lab.trunk(layer)
        if reason := lab.at(layer).unavailable(method):
            raise MethodUnavailableError(reason)


def _check_features(lab: Lab, given: Given | GivenFeatures, layers: Sequence[str]) -> None:
    """Look at a file of features before any work begins, and say what the network makes of it.

    Raises:
        FeaturesError: it is of another network, or lacks a layer.
    """
    if not isinstance(given, GivenFeatures):
        return
    for layer in layers:
        if best := lab.go_on(given.picture, layer):
            say(f"{given.shown} {layer}: the network goes on to {best.label} ({best.probability:.0%})")


def _decode(lab: Lab, picture: Source, method: str, layers: list[str], passes: int) -> list[Reconstruction]:
    """Decode the layers side by side, as the page does."""

    def decode(layer: str) -> Reconstruction:
        return lab.at(layer, passes=passes).reconstruct(picture, method)

    return list(map_jobs(decode, layers, lab.device))


def _search(lab: Lab, picture: Source, method: str, settings: dict[str, Settings]) -> list[Reconstruction]:
    """Run all steps of all layers behind a progress bar (on a terminal only) and return what they lead to.

    In turns, with as many threads as the page gives them: the same settings make the same picture.
    """
    runs = [lab.at(layer).run(picture, method, chosen) for layer, chosen in settings.items()]
    budgets = [chosen.evaluations for chosen in settings.values()]
    total = None if None in budgets else sum(filter(None, budgets))
    turns = take_turns(runs, workers=count_workers(len(runs), lab.device))
    with (
        closing(turns),
        tqdm(desc=picture.name, total=total, bar_format=BAR_FORMAT, disable=None, leave=False) as bar,
    ):
        for run in turns:
            bar.set_postfix_str(
                f"{run.layer} feature error {run.latest.losses['feature']:.3g}", refresh=False
            )
            bar.update(sum(one.latest.evaluations for one in runs if one.has_begun) - bar.n)
    return [run.reconstruction() for run in runs]


def _score(lab: Lab, given: Given | GivenFeatures, made: Reconstruction) -> Result:
    scores = lab.score(given.picture, made)
    key = "psnr_db" if isinstance(given, Given) else "feature_error"
    reached = METRICS[key].caption(scores[key])
    say(f"{given.shown} {made.layer} {made.method}: {reached} in {made.seconds:.1f} s")
    if chance := describe_chance(scores.farther_pairs):
        say(f"{given.shown} {made.layer}: its features are {chance}")
    if made.notice:
        say(f"{given.shown} {made.layer}: {made.notice}")
    return Result(given.shown, made, scores)
