"""The table of a sweep: one row per picture, choice of settings and mark; its file, and its figure."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean

import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class Row:
    """One picture under one choice of settings, after so many evaluations."""

    layer: str
    choice: str  # `key=value` texts, joined by blanks.
    picture: str
    mark: int
    psnr_db: float
    feature_error: float
    seconds: float


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a sweep that was cut short, or none."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [
            Row(
                row["layer"],
                row["choice"],
                row["picture"],
                int(row["mark"]),
                psnr_db=float(row["psnr_db"]),
                feature_error=float(row["feature_error"]),
                seconds=float(row["seconds"]),
            )
            for row in csv.DictReader(file)
        ]


def append_rows(path: Path, rows: Sequence[Row]) -> None:
    """Add one picture's rows to the table in one write, with the header if it is new."""
    is_new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [column.name for column in fields(Row)])
        if is_new:
            writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def draw(rows: Sequence[Row], choices: Sequence[str]) -> go.Figure:
    """Draw mean PSNR against mean seconds, one line per choice, one point per mark."""
    figure = go.Figure()
    for choice in choices:
        marks = sorted({row.mark for row in rows if row.choice == choice})
        points = [[row for row in rows if (row.choice, row.mark) == (choice, mark)] for mark in marks]
        figure.add_scatter(
            x=[fmean(row.seconds for row in point) for point in points],
            y=[fmean(row.psnr_db for row in point) for point in points],
            text=[f"{mark} evaluations" for mark in marks],
            name=choice or "preset",
            mode="lines+markers",
        )
    return figure.update_layout(xaxis_title="seconds", yaxis_title="PSNR (dB)")
