"""What the commands that measure share: their options, and how their tables are printed."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from explorer.benchmarks.curve import Curve
from explorer.benchmarks.table import lay_out, summarise, to_plain
from explorer.commands.inputs import parse_side, split_layers
from explorer.features.layers import LAYERS
from explorer.images import SIZE, ImageError, Picture, read_picture
from explorer.inversion.settings import Settings, load_settings, parse_overrides
from explorer.metrics.scores import MISSING


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


def list_files(folder: Path) -> list[Path]:
    """List a folder's files in the order of their names; raises ImageError when there are none."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not files:
        raise ImageError(f"No files to measure in {folder}.")
    return files


def read_files(files: Sequence[Path], size: int) -> list[Picture]:
    """Read pictures, each named by its file; raises ImageError for the first that cannot be read."""
    return [replace(read_picture(path, size=size), name=path.name) for path in files]


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
