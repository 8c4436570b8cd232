"""The one way charts are drawn: by the looks of layers, on a figure of one's own or on the page."""

import math
from collections.abc import Callable, Sequence
from io import BytesIO
from threading import Lock
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, FigureBase
from matplotlib.patches import Rectangle

from explorer.features.layers import LAYERS
from explorer.report.charts import Chart, Grid, Line, Zone
from explorer.report.style import layer_style

CHART_INCHES = 3.4, 2.9
PAPER_INK, SCREEN_INK = "#1C1B1A", "#808080"
# Lines that belong to no layer take these in turn: the colours of Okabe & Ito (2008) that layers leave over.
OTHER_COLOURS = ("#56B4E9", "#E69F00", "#4D4D4D", "#999933")
OTHER_DASHES = ("solid", "dashed", "dotted", "dashdot")
PIXELS_PER_WIDTH = 2.0  # Layers' dashes are given for lines two pixels wide.
MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "x": "x"}
CELLS = LinearSegmentedColormap.from_list("cells", ["#F4F2ED", "#0072B2"])
SHADE = 0.2  # Zones may lie over each other, and lines are seen through none.
DARK_FROM = 0.55  # Cells darker than this share of the scale carry white numbers.
# Text stays text, so that a paper's editor can change it.
EMBEDDING: Any = {"svg.fonttype": "none", "pdf.fonttype": 42, "font.size": 8, "font.family": "sans-serif"}
# Matplotlib's settings belong to the whole process.
_settings = Lock()


def draw_chart(chart: Chart | Grid, layers: Sequence[str] = LAYERS) -> bytes:
    """Draw one chart for the page: an SVG on a transparent background, readable by day and by night.

    `layers` are those that the network offers, whose looks differ.
    """

    def draw() -> Figure:
        figure = Figure(figsize=CHART_INCHES, layout="constrained")
        figure.patch.set_alpha(0)
        draw_charts(figure, [chart], 1, layers, SCREEN_INK)
        return figure

    return encode_figure(draw, "svg", chart.title)


def draw_charts(
    part: FigureBase,
    charts: Sequence[Chart | Grid],
    columns: int,
    layers: Sequence[str] = LAYERS,
    ink: str = PAPER_INK,
) -> None:
    """Draw charts on a figure, row by row, in so many columns."""
    rows = math.ceil(len(charts) / columns)
    for place, chart in enumerate(charts, start=1):
        axes = part.add_subplot(rows, columns, place)
        axes.set_title(chart.title, color=ink, loc="left", fontweight="bold")
        axes.set_facecolor("none")
        axes.tick_params(colors=ink, length=0)
        if isinstance(chart, Grid):
            _draw_grid(axes, chart, ink)
        else:
            _draw_lines(axes, chart, ink, layers)


def encode_figure(draw: Callable[[], Figure], kind: str, title: str, about: str = "") -> bytes:
    """Draw a figure as `svg`, `pdf` or `png`; `about` goes into the file's description."""
    buffer = BytesIO()
    metadata = {"Title": title, "Subject" if kind == "pdf" else "Description": about}
    with _settings, mpl.rc_context(EMBEDDING):
        draw().savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def _draw_lines(axes: Axes, chart: Chart, ink: str, layers: Sequence[str]) -> None:
    others = 0
    for line in chart.lines:
        look, others = _look(line, others, layers)
        values = [math.nan if value is None else value for value in line.y]
        axes.plot(line.x, values, label=line.label, linewidth=1.8, markersize=4, **look)
    for zone in chart.zones:
        _shade(axes, zone, layers)
    axes.set_xlabel(chart.x_label, color=ink)
    axes.set_ylabel(chart.y_label, color=ink)
    axes.grid(axis="y", color=SCREEN_INK, alpha=0.25, linewidth=0.6)
    for side in axes.spines.values():
        side.set_visible(False)
    if chart.is_log_x:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
    if chart.ticks:
        axes.set_xticks(range(len(chart.ticks)), chart.ticks, rotation=90)
    for at, label in chart.marks:
        axes.axvline(at, color=ink, linewidth=0.8, linestyle="dotted")
        axes.text(at, 1, f" {label}", transform=axes.get_xaxis_transform(), va="top", color=ink, fontsize=6)
    if len(chart.lines) > 1:
        axes.legend(frameon=False, labelcolor=ink, fontsize=6.5)


def _shade(axes: Axes, zone: Zone, layers: Sequence[str]) -> None:
    (left, right), (low, high) = zone.x, zone.y
    colour = layer_style(zone.layer, layers).colour
    axes.add_patch(
        Rectangle(
            (left, low), right - left, high - low, label=zone.label, color=colour, alpha=SHADE, zorder=0
        )
    )


def _look(line: Line, others: int, layers: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Choose a line's colour, dash and marker: its layer's, or the next of those that belong to none."""
    if line.layer is not None:
        style = layer_style(line.layer, layers)
        dash = (0, tuple(length / PIXELS_PER_WIDTH for length in style.dash)) if style.dash else "solid"
        return {"color": style.colour, "linestyle": dash, "marker": MARKERS[style.marker]}, others
    colour = OTHER_COLOURS[others % len(OTHER_COLOURS)]
    dash = OTHER_DASHES[(others + others // len(OTHER_COLOURS)) % len(OTHER_DASHES)]
    return {"color": colour, "linestyle": dash, "marker": "o"}, others + 1


def _draw_grid(axes: Axes, grid: Grid, ink: str) -> None:
    values = [[math.nan if value is None else value for value in row] for row in grid.values]
    axes.imshow(values, cmap=CELLS, vmin=grid.low, vmax=grid.high, aspect="auto")
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xticks(range(len(grid.columns)), list(grid.columns))
    axes.set_yticks(range(len(grid.rows)), list(grid.rows))
    axes.set_xlabel(grid.column_label, color=ink)
    axes.set_ylabel(grid.row_label, color=ink)
    for row, entries in enumerate(grid.values):
        for column, value in enumerate(entries):
            if value is not None:
                is_dark = (value - grid.low) / (grid.high - grid.low) > DARK_FROM
                colour = "white" if is_dark else PAPER_INK
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
