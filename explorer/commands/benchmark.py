"""The command `benchmark`: times on this machine, quality over a folder, or a race with reference loops."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from explorer.benchmarks.comparison import METHODS, prove, split_methods
from explorer.benchmarks.figure import write_figures
from explorer.benchmarks.quality import Quality, TimeToQuality, invert_all, score_runs, times_to_quality
from explorer.benchmarks.summary import ends, speed_ups
from explorer.benchmarks.timing import (
    DecodeTime,
    StepTime,
    measure_decode_time,
    measure_machine,
    measure_step_time,
)
from explorer.commands.reconstruct import parse_side, read_pictures, split_layers
from explorer.examples import EXAMPLES
from explorer.features.layers import LAYERS
from explorer.images import SIZE, ImageError, Picture
from explorer.inversion.settings import Settings, load_settings, parse_overrides
from explorer.lab.lab import Lab
from explorer.lab.run import Reconstruction
from explorer.machine import best_device

THRESHOLDS_DB = (12, 14, 16, 18, 20, 22, 24)
MISSING = "-"
STEPS = 100


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("--layers", default=",".join(LAYERS), help="default: %(default)s")
    parser.add_argument("--weights", default="IMAGENET1K_V1", help="as for reconstruct")
    parser.add_argument("--preset", default="balanced", help="default: %(default)s")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change single settings"
    )
    parser.add_argument(
        "--steps", type=int, help=f"evaluations in a run (default: {STEPS}; with --reference the preset's)"
    )
    parser.add_argument(
        "--rounds", type=_positive, default=30, help="timings in a median (default: %(default)s)"
    )
    parser.add_argument(
        "--images", nargs="+", metavar="IMAGE", default=EXAMPLES[:3], help="pictures to measure on"
    )
    parser.add_argument("--size", type=parse_side, default=SIZE, help="as for reconstruct")
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FOLDER",
        help="compare with the loops that users write; curves and figures go to FOLDER, which resumes a run",
    )
    parser.add_argument(
        "--methods", default=",".join(METHODS), help="with --reference, which (default: %(default)s)"
    )
    parser.add_argument(
        "--quality", type=Path, metavar="FOLDER", help="measure the quality over a folder instead of times"
    )
    parser.add_argument(
        "--count", type=_positive, default=30, help="first files of FOLDER (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(options: Namespace) -> str:
    """Measure, and return tables or JSON."""
    settings = _choose_settings(options, "optimiser")
    images = _files_of(options.quality, options.count) if options.quality else options.images
    pictures = list(read_pictures(images, size=options.size).values())
    lab = Lab.load(options.weights, best_device())
    if lab.backbone.notice:
        print(lab.backbone.notice, file=sys.stderr)
    tables: dict[str, Sequence[Any]] = {"machine": [measure_machine(lab.device)]}
    if options.reference:
        tables |= _prove(lab, pictures, options)
    elif options.quality:
        tables["quality"] = _measure_quality(lab, pictures, settings)
    else:
        tables["step_times"] = _measure_step_times(lab, pictures[0], settings, options.rounds)
        tables["decode_times"] = _measure_decode_times(lab, pictures[0], list(settings), options.rounds)
        tables["time_to_quality"] = _measure_time_to_quality(lab, pictures, settings)
    return _to_json(tables) if options.json else "\n\n".join(map(_to_text, tables, tables.values()))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def _choose_settings(options: Namespace, method: str) -> dict[str, Settings]:
    """Make each layer's settings from the preset, then --set, then --steps."""
    steps = STEPS if options.steps is None and not options.reference else options.steps
    changes = parse_overrides(options.set) | ({} if steps is None else {"evaluations": steps})
    return {
        layer: load_settings(layer, method, options.preset, **changes)
        for layer in split_layers(options.layers)
    }


def _prove(lab: Lab, pictures: Sequence[Picture], options: Namespace) -> dict[str, Sequence[Any]]:
    """Run our methods and the reference loops, draw them, and return the tables."""
    methods = split_methods(options.methods)
    cold, hybrid = (_choose_settings(options, method) for method in ("optimiser", "hybrid"))
    settings = {layer: {"cold": cold[layer], "hybrid": hybrid[layer]} for layer in cold}
    curves = prove(lab, pictures, settings, methods, options.reference)
    write_figures(curves, options.reference)
    return {"ends": list(ends(curves)), "speed_ups": list(speed_ups(curves))}


def _measure_step_times(
    lab: Lab, picture: Picture, settings: Mapping[str, Settings], rounds: int
) -> list[StepTime]:
    return [
        measure_step_time(lab, picture, layer, chosen, rounds)
        for layer, chosen in tqdm(settings.items(), "step times", disable=None)
    ]


def _measure_decode_times(lab: Lab, picture: Picture, layers: list[str], rounds: int) -> list[DecodeTime]:
    decodable = [layer for layer in layers if lab.unavailable(layer, "decoder") is None]
    return [
        measure_decode_time(lab, picture, layer, "decoder", rounds)
        for layer in tqdm(decodable, "decode times", disable=None)
    ]


def _measure_time_to_quality(
    lab: Lab, pictures: Sequence[Picture], settings: Mapping[str, Settings]
) -> list[TimeToQuality]:
    rows: list[TimeToQuality] = []
    for layer, chosen in settings.items():
        rows += times_to_quality(layer, _invert(lab, pictures, layer, chosen), THRESHOLDS_DB)
    return rows


def _measure_quality(
    lab: Lab, pictures: Sequence[Picture], settings: Mapping[str, Settings]
) -> list[Quality]:
    return [
        score_runs(lab, pictures, layer, _invert(lab, pictures, layer, chosen))
        for layer, chosen in settings.items()
    ]


def _invert(lab: Lab, pictures: Sequence[Picture], layer: str, settings: Settings) -> list[Reconstruction]:
    return list(tqdm(invert_all(lab, pictures, layer, settings), layer, len(pictures), disable=None))


def _files_of(folder: Path, count: int) -> list[str]:
    """List the first files of a folder by name; raises ImageError when there is none."""
    files = sorted(str(path) for path in folder.iterdir() if path.is_file())[:count]
    if not files:
        raise ImageError(f"No files to measure in {folder}.")
    return files


def _to_json(tables: Mapping[str, Sequence[Any]]) -> str:
    return json.dumps({title: [asdict(row) for row in rows] for title, rows in tables.items()}, indent=2)


def _to_text(title: str, rows: Sequence[Any]) -> str:
    """Lay out dataclasses of one kind as a table with aligned columns."""
    records = [asdict(row) for row in rows]
    if not records:
        return f"{title}: none"
    cells = [list(records[0]), *[[_show(value) for value in record.values()] for record in records]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join([title, *lines])


def _show(value: float | str | None) -> str:
    if value is None:
        return MISSING
    return f"{value:.3f}" if isinstance(value, float) else str(value)
