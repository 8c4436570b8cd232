"""What the commands that measure share: their options, and how their tables are printed."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import pandas as pd

from explorer.benchmarks.curve import Curve
from explorer.benchmarks.table import lay_out, summarise, to_plain
from explorer.commands.inputs import parse_side, say, split_layers
from explorer.features.layers import LAYERS
from explorer.files import printable
from explorer.folders import read_pictures_of, sort_files
from explorer.images import SIZE, ImageError, Picture
from explorer.inversion.settings import Settings, load_settings, parse_overrides
from explorer.metrics.scores import MISSING

NAMED_FILES = 3


def add_arguments(parser: ArgumentParser, steps: int | None) -> None:
    """Describe the common arguments; without a default number of steps it is the preset's."""
    parser.add_argument("--layers", default=",".join(LAYERS), help="default: %(default)s")
    parser.add_argument("--weights", default="IMAGENET1K_V1", help="as for reconstruct")
    parser.add_argument("--preset", default="balanced", help="default: %(default)s")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change single settings"
    )
    parser.add_argument(
        "--steps", type=int, default=steps, help=f"evaluations in a run (default: {steps or 'the preset’s'})"
    )
    parser.add_argument("--size", type=parse_side, default=SIZE, help="as for reconstruct")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def choose_settings(options: Namespace, method: str) -> dict[str, Settings]:
    """Make each layer's settings from the preset, then --set, then --steps."""
    changes = parse_overrides(options.set) | ({} if options.steps is None else {"evaluations": options.steps})
    layers = split_layers(options.layers)
    return {layer: load_settings(layer, method, options.preset, **changes) for layer in layers}


def list_pictures(folder: Path) -> list[Path]:
    """List the pictures below a folder in the order of their names, and say which files are none.

    Raises:
        ImageError: there are no pictures.
    """
    pictures, others = sort_files(folder)
    if others:
        named = ", ".join(printable(str(path.relative_to(folder))) for path in others[:NAMED_FILES])
        more = len(others) - NAMED_FILES
        say(f"Skipped {named}{f' and {more:,} more' if more > 0 else ''}: no pictures by their names.")
    if not pictures:
        raise ImageError(f"No pictures to measure in {folder}.")
    return pictures


def read_pictures(folder: Path, paths: Sequence[Path], size: int, count: int | None = None) -> list[Picture]:
    """Read the first `count` that can be read, or all, and name each other one.

    Raises:
        ImageError: there are some, but none can be read.
    """
    read = [one for _, one in islice(read_pictures_of(paths, folder=folder, size=size, skip=say), count)]
    if paths and not read:
        raise ImageError(f"Not one of {len(paths)} pictures in {folder} can be read.")
    return read


def summarise_for(options: Namespace, curves: Sequence[Curve]) -> pd.DataFrame:
    """Summarise how the curves ended: as numbers for JSON, else as cells to be read."""
    cells = summarise([curve.end for curve in curves])
    return cells if options.json else lay_out(cells)


def show(options: Namespace, tables: Mapping[str, pd.DataFrame]) -> str:
    """Write tables as JSON, or with aligned columns."""
    if options.json:
        return json.dumps({title: to_plain(table) for title, table in tables.items()}, indent=2)
    return "\n\n".join(
        f"{title}\n{table.to_string(index=False, na_rep=MISSING, float_format='%.3f')}"
        if len(table)
        else f"{title}: none"
        for title, table in tables.items()
    )
