"""A comparison: ways to invert, on the same pictures, step by step in turns.

The one with the least own compute goes next, so that other load on the machine falls on all alike. Curves are
written down as soon as they are whole: the same comparison goes on where it was cut off.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from itertools import islice, product
from pathlib import Path
from typing import Any

from tqdm import tqdm

from explorer.benchmarks.curve import Curve
from explorer.images import Picture
from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab
from explorer.lab.run import Run
from explorer.lab.turns import take_turns
from explorer.lines import append_line, read_lines
from explorer.report.bundle import Result, make_record

CURVES = "curves.jsonl"
# The first iterate from so many evaluations on, and the last, are measured by every metric.
MARKS = (1, 3, 10, 25, 60, 120)
END = "end"
WARM_UP_STEPS = 3

# Sets up a run of one picture and layer.
Start = Callable[[Lab, Picture, str], Run]


def start_method(method: str, settings: Mapping[str, Settings]) -> Start:
    """Return how to start one of the lab's methods, with settings by layer."""
    return lambda lab, picture, layer: lab.at(layer).run(picture, method, settings[layer])


def compare(
    lab: Lab,
    pictures: Sequence[Picture],
    layers: Sequence[str],
    starts: Mapping[str, Start],
    folder: Path | None = None,
) -> list[Curve]:
    """Run every way, by name, on every picture and layer, and return all curves.

    Those that the folder, if there is one, keeps already are not run again.
    """
    kept = [Curve(**line) for line in read_lines(folder / CURVES)] if folder else []
    curves = {(curve.picture, curve.layer, curve.method): curve for curve in kept}
    warm: set[str] = set()
    for picture, layer in tqdm(list(product(pictures, layers)), "runs", disable=None):
        missing = {name: way for name, way in starts.items() if (picture.name, layer, name) not in curves}
        if not missing:
            continue
        if layer not in warm:
            _warm_up(lab, picture, layer, missing.values())
            warm.add(layer)
        for curve in compete(lab, picture, layer, missing):
            curves[picture.name, layer, curve.method] = curve
            if folder:
                append_line(folder / CURVES, asdict(curve))
    return [curves[picture.name, layer, name] for picture, layer, name in product(pictures, layers, starts)]


def compete(lab: Lab, picture: Picture, layer: str, starts: Mapping[str, Start]) -> list[Curve]:
    """Run several ways in turns to their ends."""
    runs = {start(lab, picture, layer): name for name, start in starts.items()}
    records: dict[Run, list[dict[str, Any]]] = {run: [] for run in runs}
    passed = dict.fromkeys(runs, 0)
    for run in take_turns(runs):
        marks = sum(mark <= run.latest.evaluations for mark in MARKS)
        if run.has_ended or marks > passed[run]:
            made = run.reconstruction()
            record = make_record(Result(picture.name, made, lab.score(picture, made)))
            mark = END if run.has_ended else MARKS[marks - 1]
            records[run].append({**record, "method": runs[run], "mark": mark})
            passed[run] = marks
    return [
        Curve(
            picture.name,
            layer,
            name,
            seconds=[record.seconds for record in run.history],
            psnr_db=[record.psnr_db for record in run.history],
            records=records[run],
        )
        for run, name in runs.items()
    ]


def _warm_up(lab: Lab, picture: Picture, layer: str, starts: Collection[Start]) -> None:
    """Take a few steps that nobody measures: the first ones load models and choose kernels."""
    for start in starts:
        for _ in islice(start(lab, picture, layer), WARM_UP_STEPS):
            pass
