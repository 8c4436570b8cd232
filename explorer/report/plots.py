"""Histories of runs as Plotly figures."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.features.layers import LAYERS
from explorer.lab.run import Record
from explorer.report.style import GREY, LayerStyle, layer_style

GRID_COLOUR = "rgba(128, 128, 128, 0.25)"
MARKERS_PER_LINE = 10
HEIGHT = 360


def history_figure(histories: Mapping[str, Sequence[Record]], layers: Sequence[str] = LAYERS) -> go.Figure:
    """Draw PSNR and feature error (on a logarithmic axis) of each layer's run, one line per layer.

    `layers` are those that the network offers, whose looks differ.
    """
    figure = make_subplots(
        cols=2, subplot_titles=("PSNR (dB), higher is better", "Feature error, lower is better")
    )
    for layer, history in histories.items():
        across = [record.evaluations for record in history]
        style = layer_style(layer, layers)
        psnr_db = _line(layer, style, across, [record.psnr_db for record in history])
        error = _line(layer, style, across, [record.losses["feature"] for record in history])
        figure.add_trace(psnr_db, row=1, col=1)
        figure.add_trace(error.update(showlegend=False), row=1, col=2)
    figure.update_xaxes(title_text="evaluations of trunk forward + backward", rangemode="tozero")
    figure.update_yaxes(type="log", dtick="D2", tickformat=".2g", col=2)
    return _dress(figure)


def _line(layer: str, style: LayerStyle, across: Sequence[float], values: Sequence[float]) -> go.Scatter:
    return go.Scatter(
        x=list(across),
        y=list(values),
        name=layer,
        legendgroup=layer,
        mode="lines+markers",
        line={"color": style.colour, "dash": _dash(style.dash), "width": 2},
        marker={"symbol": style.marker, "size": 8, "maxdisplayed": MARKERS_PER_LINE},
        hovertemplate=f"{layer}: %{{y:.3g}} at %{{x:.4g}}<extra></extra>",
    )


def _dash(lengths: Sequence[int]) -> str:
    """Write a dash as Plotly reads it."""
    return ",".join(f"{length}px" for length in lengths) or "solid"


def _dress(figure: go.Figure) -> go.Figure:
    figure.update_xaxes(gridcolor=GRID_COLOUR, zerolinecolor=GRID_COLOUR)
    figure.update_yaxes(gridcolor=GRID_COLOUR, zerolinecolor=GRID_COLOUR)
    return figure.update_layout(
        height=HEIGHT,
        font={"color": GREY},
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        legend={"orientation": "h", "y": -0.25},
        margin={"l": 48, "r": 16, "t": 40, "b": 48},
    )
