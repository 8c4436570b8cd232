"""The command `explore`: one experiment, its report, pictures, figures and the code that repeats it."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from explorer.commands.inputs import add_backbone, load_lab, read_pictures, say, split_layers
from explorer.examples import EXAMPLES
from explorer.experiments import EXPERIMENTS, check_pictures, follow_experiment
from explorer.experiments.experiment import Experiment, Result, default_of, knobs, make_options
from explorer.experiments.presentation.folder import Run, write_folder
from explorer.files import writing_into
from explorer.images import SIZE
from explorer.report.bundle import MANIFEST


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments: one subcommand for each experiment, with its own options."""
    names = parser.add_subparsers(dest="experiment", required=True, metavar="NAME")
    for name, experiment in EXPERIMENTS.items():
        _add_experiment(
            names.add_parser(name, help=experiment.title, description=experiment.explanation), experiment
        )


def run(options: Namespace) -> str:
    """Check all input, run the experiment, write its folder and say where it is."""
    experiment = EXPERIMENTS[options.experiment]
    chosen = {name: getattr(options, name) for name in knobs(experiment.options) if name in options}
    make_options(experiment.options, chosen)
    images = list(dict.fromkeys(options.images))
    check_pictures(experiment, len(images))
    layers = split_layers(options.layers) if options.layers else []
    pictures = [given.picture for given in read_pictures(images, size=SIZE)]
    with writing_into(options.out) as folder:
        lab = load_lab(options.weights, options.backbone)
        result: Result | None = None
        said = ""
        for result in follow_experiment(experiment.name, lab, pictures, layers, **chosen):
            line = f"{result.progress:4.0%} {result.doing}"
            if result.doing and line != said:
                say(line)
            said = line
        assert result is not None  # An experiment yields at least one.
        run = Run(experiment, images, layers, chosen, options.command_line, options.weights, options.backbone)
        write_folder(folder, lab, run, result)
    return "\n".join([*result.sentences, f"Wrote {options.out / MANIFEST}"])


def _add_experiment(parser: ArgumentParser, experiment: Experiment[Any]) -> None:
    examples = ", ".join(EXAMPLES)
    parser.add_argument(
        "images", nargs="+", metavar="PICTURE", help=f"picture file, or an example: {examples}"
    )
    default = ",".join(experiment.layers) or "the experiment's own choice"
    parser.add_argument("--layers", help=f"node names, comma-separated (default: {default})")
    parser.add_argument(
        "--weights",
        help="a name of torchvision's, untrained, or a file of a state dict (default: torchvision's first)",
    )
    add_backbone(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the report, pictures and figures")
    for name, knob in knobs(experiment.options).items():
        choices = f": {', '.join(knob.choices)}" if knob.choices else ""
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            default=SUPPRESS,
            metavar=name.upper(),
            help=f"{knob.help}{choices} (default: {default_of(experiment.options, name)})".replace("%", "%%"),
        )
