"""Curves as a figure: quality against seconds, one column a layer, one line a method."""

from collections.abc import Sequence
from itertools import cycle, product
from pathlib import Path

import pandas as pd

from explorer.benchmarks.curve import KEYS, Curve
from explorer.metrics.scores import METRICS

DRAWN = ("psnr_db", "ssim", "lpips")
# Colours that Okabe & Ito (2008) chose to be told apart by colour-blind readers.
COLOURS = ("#0072B2", "#009E73", "#D55E00", "#808080", "#CC79A7", "#56B4E9", "#E69F00")
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
    from matplotlib.figure import Figure  # Slow to import, and needed only here.

    layers, methods = (list(dict.fromkeys(getattr(curve, key) for curve in curves)) for key in KEYS)
    colours = dict(zip(methods, cycle(COLOURS), strict=False))
    size = (COLUMN_INCHES * len(layers), ROW_INCHES * len(DRAWN))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(DRAWN), len(layers), squeeze=False, sharex="col", sharey="row")
    table = average_at_marks(curves)
    for (column, layer), method in product(enumerate(layers), methods):
        points = table[(table["layer"] == layer) & (table["method"] == method)]
        for metric, axis in zip(DRAWN, axes[:, column], strict=True):
            axis.semilogx(points["seconds"], points[metric], "o-", color=colours[method], label=method, ms=3)
    for row, metric in zip(axes, DRAWN, strict=True):
        row[0].set_ylabel(f"{METRICS[metric].heading}, {METRICS[metric].better} is better")
    for column, layer in zip(axes.T, layers, strict=True):
        column[0].set_title(layer)
        column[-1].set_xlabel("seconds")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=len(methods))
    figure.savefig(path, dpi=DOTS_PER_INCH)
