"""The folder of an experiment: report, pictures, animations, the figure, and Python that repeats it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure, FigureBase

from explorer.experiments.experiment import Experiment, Result, Shown, make_options
from explorer.experiments.presentation.python_code import write_code
from explorer.features.backbone import RESNET50
from explorer.features.layers import LAYERS
from explorer.files import printable
from explorer.images import encode_png, to_pil
from explorer.lab.lab import Lab
from explorer.report.animation import encode_gif
from explorer.report.bundle import MANIFEST, RunInfo, describe_run
from explorer.report.chart import CHART_INCHES, draw_charts, encode_figure

FIGURE_KINDS = ("svg", "pdf")
PICTURES_PER_ROW, CHARTS_PER_ROW = 5, 3
PICTURE_INCHES = 1.9
CODE = "repeat.py"


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked for; `pictures` are paths or examples' names, `options` those that were given."""

    experiment: Experiment[Any]
    pictures: Sequence[str]
    layers: Sequence[str]
    options: Mapping[str, Any]
    command_line: str
    weights: str | None = None
    backbone: str = RESNET50


def write_folder(folder: Path, lab: Lab, run: Run, result: Result) -> None:
    """Write everything into an existing folder, the report last."""
    for shown in result.pictures:
        (folder / f"{shown.name}.png").write_bytes(encode_png(shown.images))
    for animation in result.animations:
        frames = [to_pil(images) for images in animation.frames]
        (folder / f"{animation.name}.gif").write_bytes(encode_gif(frames))
    manifest = make_manifest(lab, run, result)
    for kind in FIGURE_KINDS:
        figure = encode_figure(
            lambda: draw_result(result, run.experiment.title, lab.layers),
            kind,
            run.experiment.title,
            about=json.dumps(manifest["run"]),
        )
        (folder / f"figure.{kind}").write_bytes(figure)
    code = write_code(run.experiment.name, run.pictures, run.layers, run.options, run.weights, run.backbone)
    (folder / CODE).write_text(code, encoding="utf-8")
    text = json.dumps(manifest, indent=2, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def make_manifest(lab: Lab, run: Run, result: Result) -> dict[str, Any]:
    """Make the content of `report.json`: what ran, its rows, what is seen in them, and the charts."""
    options = asdict(make_options(run.experiment.options, run.options))
    info = RunInfo.of(
        lab, run.layers, command_line=run.command_line, seed=int(options.get("seed", 0)), settings={}
    )
    about = {
        **describe_run(info),
        "experiment": run.experiment.name,
        "backbone": run.backbone,
        "pictures": list(map(printable, run.pictures)),
        "layers": list(run.layers),
        "options": options,
    }
    return {
        "run": about,
        "results": [dict(row) for row in result.rows],
        "sentences": list(result.sentences),
        "charts": [asdict(chart) for chart in result.charts],
        "pictures": [
            {"file": f"{shown.name}.png", "caption": shown.caption, "layer": shown.layer}
            for shown in result.pictures
        ],
    }


def draw_result(result: Result, title: str, layers: Sequence[str] = LAYERS) -> Figure:
    """Draw the pictures in rows above their charts; `layers` are those that the network offers."""
    picture_rows = math.ceil(len(result.pictures) / PICTURES_PER_ROW)
    chart_rows = math.ceil(len(result.charts) / CHARTS_PER_ROW)
    heights = [(PICTURE_INCHES + 0.35) * picture_rows, CHART_INCHES[1] * chart_rows]
    width = max(PICTURE_INCHES * PICTURES_PER_ROW, CHART_INCHES[0] * CHARTS_PER_ROW)
    figure = Figure(figsize=(width, sum(heights) + 0.4), layout="constrained")
    figure.suptitle(title)
    parts: Any = figure.subfigures(2, 1, height_ratios=[max(height, 0.01) for height in heights])
    _draw_pictures(parts[0], result.pictures, picture_rows)
    draw_charts(parts[1], result.charts, min(CHARTS_PER_ROW, len(result.charts)) or 1, layers)
    return figure


def _draw_pictures(part: FigureBase, pictures: Sequence[Shown], rows: int) -> None:
    for place, shown in enumerate(pictures, start=1):
        axes = part.add_subplot(rows, PICTURES_PER_ROW, place)
        axes.imshow(to_pil(shown.images))
        axes.set_axis_off()
        axes.set_title(shown.caption, fontsize=6.5, pad=2, wrap=True)
