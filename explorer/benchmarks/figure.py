"""Curves as a figure: quality against seconds, one column a layer, one line a method."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from explorer.benchmarks.curve import KEYS, Curve
from explorer.metrics.scores import METRICS
from explorer.report.chart import draw_charts, encode_figure
from explorer.report.charts import Chart, Line

DRAWN = ("psnr_db", "ssim", "lpips")
COLUMN_INCHES, ROW_INCHES, DOTS_PER_INCH = 3.2, 2.6, 120


def average_at_marks(curves: Sequence[Curve]) -> pd.DataFrame:
    """Average the records of each layer, method and mark that every picture has; the seconds by median."""
    records = pd.DataFrame([record for curve in curves for record in curve.records])
    means = {metric: (metric, "mean") for metric in DRAWN}
    points = records.groupby([*KEYS, "mark"], sort=False).agg(
        pictures=("image", "nunique"), seconds=("seconds", "median"), **means
    )
    return points[points["pictures"] == records["image"].nunique()].reset_index()


def draw_curves(curves: Sequence[Curve], path: Path) -> None:
    """Draw PSNR, SSIM and LPIPS against seconds into a PNG file."""
    layers = list(dict.fromkeys(curve.layer for curve in curves))
    table = average_at_marks(curves)
    charts = [_chart(table, layer, metric) for metric in DRAWN for layer in layers]

    def draw() -> Figure:
        size = (COLUMN_INCHES * len(layers), ROW_INCHES * len(DRAWN))
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
        draw_charts(figure, charts, len(layers))
        return figure

    path.write_bytes(encode_figure(draw, "png", "Quality against seconds"))


def _chart(table: pd.DataFrame, layer: str, metric: str) -> Chart:
    points = table.loc[table["layer"] == layer, ["method", "seconds", metric]]
    lines = [
        Line(str(method), own["seconds"].tolist(), own[metric].tolist())
        for method, own in points.groupby("method", sort=False)
    ]
    title = f"{METRICS[metric].heading}, {METRICS[metric].better} is better"
    return Chart(layer, "seconds", title, lines, is_log_x=True)
