"""The command `compare`: our methods against the loops that users write, on the same pictures."""

from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd

from explorer.benchmarks.baselines import LOOPS, start_loop
from explorer.benchmarks.comparison import Start, compare, start_method
from explorer.benchmarks.curve import KEYS, Curve, compute_speed_ups
from explorer.benchmarks.figure import draw_curves
from explorer.commands import measuring
from explorer.commands.inputs import load_lab, read_pictures, split_layers
from explorer.examples import EXAMPLES
from explorer.inversion.settings import SettingsError

OURS = {"cold": "optimiser", "hybrid": "hybrid"}
METHODS = (*OURS, *LOOPS)
REFERENCE = "adam"
FIGURE = "comparison.png"


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="keeps curves and figure; the same command resumes"
    )
    measuring.add_arguments(parser, steps=None)
    parser.add_argument(
        "--images", nargs="+", metavar="IMAGE", default=EXAMPLES[:3], help="pictures to compare on"
    )
    parser.add_argument("--methods", default=",".join(METHODS), help="default: %(default)s")


def run(options: Namespace) -> str:
    """Run the methods, draw their curves, and return the tables."""
    starts = {name.strip(): _choose_start(options, name.strip()) for name in options.methods.split(",")}
    read = read_pictures(options.images, size=options.size)
    pictures = [replace(one.picture, name=one.shown) for one in read]
    lab = load_lab(options.weights)
    curves = compare(lab, pictures, split_layers(options.layers), starts, options.folder)
    draw_curves(curves, options.folder / FIGURE)
    tables = {
        "ends": measuring.summarise_for(options, curves),
        "speed_ups": compute_speed_ups(curves, REFERENCE),
        "notices": _count_notices(curves),
    }
    return measuring.show(options, tables)


def _choose_start(options: Namespace, name: str) -> Start:
    if name in LOOPS:
        return start_loop(name)
    if name in OURS:
        return start_method(OURS[name], measuring.choose_settings(options, OURS[name]))
    raise SettingsError(f"Unknown method '{name}': use {', '.join(METHODS)}.")


def _count_notices(curves: list[Curve]) -> pd.DataFrame:
    """Count what had to be said of the runs, such as that one became unstable."""
    said = Counter(
        (curve.layer, curve.method, curve.end["notice"]) for curve in curves if curve.end["notice"]
    )
    rows = [(*key, pictures) for key, pictures in said.items()]
    return pd.DataFrame(rows, columns=[*KEYS, "notice", "pictures"])
