"""The proof as a figure: quality against seconds, one column a layer, as a page and as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.benchmarks.comparison import METHODS
from explorer.benchmarks.curve import Curve, Point
from explorer.metrics.scores import METRICS

PAGE, PICTURE = "proof.html", "proof.png"
DRAWN = ("psnr_db", "ssim", "lpips")
# Colours that Okabe & Ito (2008) chose to be told apart by colour-blind readers.
COLOURS = dict(zip(METHODS, ("#0072B2", "#009E73", "#D55E00", "#808080"), strict=True))
NAMES = dict(zip(METHODS, ("ours, cold", "ours, hybrid", "Adam on pixels", "Mahendran-Vedaldi"), strict=True))
# Evaluations at which curves are averaged, evenly spread on the logarithmic axis of time.
GRID = (1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 60, 80, 100, 130, 160, 200, 300, 500, 1000)
COLUMN_INCHES, ROW_INCHES, DOTS_PER_INCH = 3.2, 2.6, 120


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one method at one layer, averaged over pictures."""

    layer: str
    method: str
    metric: str
    seconds: tuple[float, ...]
    values: tuple[float, ...]


def lines(curves: Sequence[Curve]) -> list[Line]:
    """Average the curves of each layer and method: median seconds and mean value at equal evaluations."""
    keys = dict.fromkeys((curve.layer, curve.method) for curve in curves)
    return [
        _line([curve for curve in curves if (curve.layer, curve.method) == key], metric)
        for key in keys
        for metric in DRAWN
    ]


def draw_page(curves: Sequence[Curve]) -> go.Figure:
    """Draw the lines with Plotly: rows are metrics, columns layers."""
    drawn, layers = lines(curves), list(dict.fromkeys(curve.layer for curve in curves))
    figure = make_subplots(rows=len(DRAWN), cols=len(layers), column_titles=layers, shared_xaxes=True)
    for line in drawn:
        row, column = DRAWN.index(line.metric) + 1, layers.index(line.layer) + 1
        is_first = (row, column) == (1, 1)
        trace = go.Scatter(
            x=line.seconds,
            y=line.values,
            name=NAMES[line.method],
            legendgroup=line.method,
            showlegend=is_first,
            mode="lines+markers",
            line={"color": COLOURS[line.method]},
        )
        figure.add_trace(trace, row=row, col=column)
    for row, title in enumerate(map(_title, DRAWN), start=1):
        figure.update_yaxes(title_text=title, row=row, col=1)
    figure.update_xaxes(type="log")
    figure.update_xaxes(title_text="seconds", row=len(DRAWN))
    return figure.update_layout(height=260 * len(DRAWN), legend={"orientation": "h"})


def save_picture(curves: Sequence[Curve], path: Path) -> None:
    """Draw the same with matplotlib, for places that show no page."""
    from matplotlib.figure import Figure  # Slow to import, and needed only here.

    layers = list(dict.fromkeys(curve.layer for curve in curves))
    size = (COLUMN_INCHES * len(layers), ROW_INCHES * len(DRAWN))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(DRAWN), len(layers), squeeze=False, sharex="col", sharey="row")
    for line in lines(curves):
        place = axes[DRAWN.index(line.metric)][layers.index(line.layer)]
        colour, name = COLOURS[line.method], NAMES[line.method]
        place.semilogx(line.seconds, line.values, color=colour, label=name, marker="o", markersize=3)
    for row, title in zip(axes, map(_title, DRAWN), strict=True):
        row[0].set_ylabel(title)
    for place, layer in zip(axes[0], layers, strict=True):
        place.set_title(layer)
    for place in axes[-1]:
        place.set_xlabel("seconds")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=len(NAMES))
    figure.savefig(path, dpi=DOTS_PER_INCH)


def write_figures(curves: Sequence[Curve], folder: Path) -> None:
    """Write the page and the picture."""
    draw_page(curves).write_html(folder / PAGE, include_plotlyjs="cdn")
    save_picture(curves, folder / PICTURE)


def _title(metric: str) -> str:
    return f"{METRICS[metric].heading}, {METRICS[metric].better} is better"


def _line(curves: Sequence[Curve], metric: str) -> Line:
    finished = [curve for curve in curves if curve.points]
    longest = max(curve.points[-1].evaluations for curve in finished)
    marks = [mark for mark in GRID if mark < longest] + [longest]
    rows = [[_last_before(curve, mark, metric) for curve in finished] for mark in marks]
    # Only where every picture has a value, and each set of points once.
    whole = list(dict.fromkeys(tuple(row) for row in rows if None not in row))
    points = [[point for point in row if point is not None] for row in whole]
    return Line(
        finished[0].layer,
        finished[0].method,
        metric,
        seconds=tuple(median(point.seconds for point in row) for row in points),
        values=tuple(fmean(getattr(point, metric) for point in row) for row in points),
    )


def _last_before(curve: Curve, evaluations: int, metric: str) -> Point | None:
    """Give the last point within so many evaluations that has a value of the metric."""
    known = [point for point in curve.points if getattr(point, metric) is not None]
    return next((point for point in reversed(known) if point.evaluations <= evaluations), None)
