"""The command `tune`: choose inversion settings by trying a grid of them.

Every combination of the grid is tried on the tuning pictures; the best is then run on the report pictures,
which no choice has seen.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from explorer.benchmarks.comparison import Start, compare, start_method
from explorer.benchmarks.curve import Curve
from explorer.benchmarks.figure import draw_curves
from explorer.benchmarks.table import summarise, to_plain
from explorer.commands import measuring
from explorer.commands.inputs import load_lab, split_layers
from explorer.images import ImageError, Picture
from explorer.inversion.settings import SettingsError, load_settings, parse_overrides
from explorer.lab.methods import METHODS, is_iterative

STEPS = 100
TUNING, REPORT = (100, 103, 106), tuple(range(0, 300, 15))
FIGURE = "tuning.png"


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="pictures, numbered by name from 0")
    measuring.add_arguments(parser, STEPS)
    methods = [method for method in METHODS if is_iterative(method)]
    parser.add_argument("--method", choices=methods, default=methods[0], help="default: %(default)s")
    parser.add_argument(
        "--grid", nargs="+", default=[], metavar="KEY=[VALUE,…]", help="the values that a setting may have"
    )
    parser.add_argument("--tuning", nargs="+", type=int, default=TUNING, help="numbers of tuning pictures")
    parser.add_argument("--report", nargs="*", type=int, default=REPORT, help="numbers of report pictures")
    parser.add_argument(
        "--out", type=Path, required=True, help="keeps curves and figure; the same command resumes"
    )


def run(options: Namespace) -> str:
    """Tune each layer, report the winner on unseen pictures, and return both tables."""
    if shared := set(options.tuning) & set(options.report):
        raise SettingsError(f"--tuning and --report share the pictures {sorted(shared)}; they must not.")
    layers = split_layers(options.layers)
    starts = {layer: _choose_starts(options, layer) for layer in layers}
    tuning, report = (_read(options, numbers) for numbers in (options.tuning, options.report))
    lab = load_lab(options.weights)
    tuned: list[Curve] = []
    reported: list[Curve] = []
    for layer in layers:
        found = compare(lab, tuning, [layer], starts[layer], options.out)
        best = find_best(found)
        reported += compare(lab, report, [layer], {best: starts[layer][best]}, options.out)
        tuned += found
    draw_curves(tuned, options.out / FIGURE)
    tables = {"tuning": tuned, "report": reported}
    return measuring.show(
        options,
        {title: measuring.summarise_for(options, curves) for title, curves in tables.items() if curves},
    )


def combine(grid: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, Any]]:
    """Name every choice of one value per setting."""
    choices = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    return {
        " ".join(f"{key}={value}" for key, value in choice.items()) or "preset": choice for choice in choices
    }


def find_best(curves: Sequence[Curve]) -> str:
    """Return the choice with the highest mean PSNR at its runs' ends."""
    cells = to_plain(summarise([curve.end for curve in curves]))
    best = max((cell for cell in cells if cell["figure"] == "psnr_db"), key=lambda cell: cell["mean"])
    return best["method"]


def _choose_starts(options: Namespace, layer: str) -> dict[str, Start]:
    grid = parse_overrides(options.grid)
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise SettingsError(f"--grid {name} is {values}; write a list of values, as in {name}=[0.5,1].")
    common = parse_overrides(options.set) | {"evaluations": options.steps}
    return {
        name: start_method(
            options.method, {layer: load_settings(layer, options.method, options.preset, **common | choice)}
        )
        for name, choice in combine(grid).items()
    }


def _read(options: Namespace, numbers: Sequence[int]) -> list[Picture]:
    paths = measuring.list_pictures(options.folder)
    if missing := [number for number in numbers if not 0 <= number < len(paths)]:
        raise ImageError(f"There are {len(paths)} pictures, numbered from 0; there is no {missing[0]}.")
    return measuring.read_pictures(options.folder, [paths[number] for number in numbers], options.size)
