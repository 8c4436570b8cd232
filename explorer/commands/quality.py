"""The command `quality`: how well the optimiser inverts the pictures of a folder, with 95 % intervals."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.benchmarks.comparison import compare, start_method
from explorer.commands import measuring
from explorer.commands.inputs import load_lab
from explorer.numbers import parse_positive

METHOD = "optimiser"
STEPS = 100


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of pictures")
    measuring.add_arguments(parser, STEPS)
    parser.add_argument(
        "--count",
        type=parse_positive,
        default=30,
        help="its first so many that can be read (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, help="folder that keeps the curves; the same command resumes")


def run(options: Namespace) -> str:
    """Invert every picture from every layer, and return the table."""
    settings = measuring.choose_settings(options, METHOD)
    paths = measuring.list_pictures(options.folder)
    pictures = measuring.read_pictures(options.folder, paths, options.size, options.count)
    starts = {METHOD: start_method(METHOD, settings)}
    curves = compare(load_lab(options.weights), pictures, list(settings), starts, options.out)
    return measuring.show(options, {"quality": measuring.summarise_for(options, curves)})
