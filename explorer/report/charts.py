"""What an experiment plots, as data: curves and grids, drawn by `figure`."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One curve; `layer` gives it its colour and dash. A value of None is a gap."""

    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """A shaded part of a chart, from the low to the high end of `x` and `y`, in the colour of its layer."""

    label: str
    x: tuple[float, float]
    y: tuple[float, float]
    layer: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over one axis, `zones` shaded behind them.

    `ticks` name the positions 0, 1, 2 …; `marks` are upright lines with a label.
    """

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    is_log_x: bool = False
    ticks: Sequence[str] = ()
    marks: Sequence[tuple[float, str]] = ()
    zones: Sequence[Zone] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of numbers as coloured cells, from `low` to `high`; a value of None is left empty."""

    title: str
    row_label: str
    column_label: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    low: float = 0.0
    high: float = 1.0
