"""Histories as Plotly figures, and the one look each layer has everywhere: colour, dash and marker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.features.layers import JOINT_SEPARATOR, LAYERS
from explorer.lab.run import Record

# Four of the colours that Okabe & Ito (2008) chose to be told apart by colour-blind readers; these four also
# keep a contrast of about 3:1 or more on white and on near-black.
LAYER_COLOURS = dict(zip(LAYERS, ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=True))
_DASHES = dict(zip(LAYERS, ("solid", "dash", "dot", "dashdot"), strict=True))
_MARKERS = dict(zip(LAYERS, ("circle", "square", "diamond", "triangle-up"), strict=True))

# Greys that can be read on a light and on a dark page, over a transparent background.
TEXT_COLOUR = "#808080"
GRID_COLOUR = "rgba(128, 128, 128, 0.25)"
MARKERS_PER_LINE = 10
HEIGHT = 360

Axis = Literal["evaluations", "seconds"]


@dataclass(frozen=True, slots=True)
class LayerStyle:
    """How a layer is drawn; dash and marker repeat what the colour says."""

    colour: str
    dash: str
    marker: str


# Nodes of the stem, the head, and joint nodes of several stages.
OTHER_STYLE = LayerStyle(TEXT_COLOUR, "longdash", "x")


def layer_style(nodes: str) -> LayerStyle:
    """Choose the look of a layer, a node inside it, or a joint set of nodes inside it."""
    stages = {node.strip().split(".")[0] for node in nodes.split(JOINT_SEPARATOR)}
    stage = stages.pop()
    if stages or stage not in LAYER_COLOURS:
        return OTHER_STYLE
    return LayerStyle(LAYER_COLOURS[stage], _DASHES[stage], _MARKERS[stage])


def history_figure(histories: Mapping[str, Sequence[Record]], *, against: Axis = "evaluations") -> go.Figure:
    """Draw PSNR and feature error (on a logarithmic axis) of each layer's run, one line per layer."""
    figure = make_subplots(
        cols=2, subplot_titles=("PSNR (dB), higher is better", "Feature error, lower is better")
    )
    for layer, history in histories.items():
        across = [getattr(record, against) for record in history]
        psnr_db = _line(layer, across, [record.psnr_db for record in history])
        error = _line(layer, across, [record.losses["feature"] for record in history])
        figure.add_trace(psnr_db, row=1, col=1)
        figure.add_trace(error.update(showlegend=False), row=1, col=2)
    figure.update_xaxes(title_text=_axis_title(against), rangemode="tozero")
    figure.update_yaxes(type="log", dtick="D2", tickformat=".2g", col=2)
    return _dress(figure)


def _line(layer: str, across: Sequence[float], values: Sequence[float]) -> go.Scatter:
    style = layer_style(layer)
    return go.Scatter(
        x=list(across),
        y=list(values),
        name=layer,
        legendgroup=layer,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"symbol": style.marker, "size": 8, "maxdisplayed": MARKERS_PER_LINE},
        hovertemplate=f"{layer}: %{{y:.3g}} at %{{x:.4g}}<extra></extra>",
    )


def _axis_title(against: Axis) -> str:
    return "seconds" if against == "seconds" else "evaluations of trunk forward + backward"


def _dress(figure: go.Figure) -> go.Figure:
    figure.update_xaxes(gridcolor=GRID_COLOUR, zerolinecolor=GRID_COLOUR)
    figure.update_yaxes(gridcolor=GRID_COLOUR, zerolinecolor=GRID_COLOUR)
    return figure.update_layout(
        height=HEIGHT,
        font={"color": TEXT_COLOUR},
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        legend={"orientation": "h", "y": -0.25},
        margin={"l": 48, "r": 16, "t": 40, "b": 48},
    )
