"""The evaluation's table: means with 95 % intervals, as Markdown, CSV and JSON."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from explorer.metrics.intervals import half_width
from explorer.report.bundle import METRICS

FIGURES = (*METRICS, "steps", "seconds")
HEADINGS = {
    "psnr_db": "PSNR dB",
    "ssim": "SSIM",
    "lpips": "LPIPS",
    "feature_error": "feature error",
    "feature_cosine": "cosine",
    "top5_agreement": "top-5",
    "steps": "evaluations",
    "seconds": "seconds",
}
DECIMALS = {"psnr_db": 2, "steps": 0, "seconds": 2}
DEFAULT_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one method at one layer; the interval's half width is missing for a single picture."""

    layer: str
    method: str
    figure: str
    mean: float
    half_width: float | None
    pictures: int


def summarise(records: Sequence[Mapping[str, Any]]) -> list[Cell]:
    """Average each figure over the pictures that have it."""
    groups = dict.fromkeys((record["layer"], record["method"]) for record in records)
    return [
        _cell(layer, method, figure, values)
        for layer, method in groups
        for figure in FIGURES
        if (
            values := [
                record[figure]
                for record in records
                if (record["layer"], record["method"]) == (layer, method) and record[figure] is not None
            ]
        )
    ]


def write_tables(
    out: Path, cells: Sequence[Cell], records: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]
) -> None:
    """Write table.md, table.csv and table.json, the last with every record and the manifest."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.md").write_text(markdown(cells))
    with (out / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(Cell.__slots__))
        writer.writeheader()
        writer.writerows(asdict(cell) for cell in cells)
    plain = {"manifest": manifest, "cells": [asdict(cell) for cell in cells], "records": list(records)}
    (out / "table.json").write_text(json.dumps(plain, indent=1) + "\n")


def markdown(cells: Sequence[Cell]) -> str:
    """Lay the table out with a row for each layer and method."""
    lines = [
        "| layer | method | pictures | " + " | ".join(HEADINGS.values()) + " |",
        "|---|---|---|" + "---|" * len(HEADINGS),
    ]
    for layer, method in dict.fromkeys((cell.layer, cell.method) for cell in cells):
        row = {cell.figure: cell for cell in cells if (cell.layer, cell.method) == (layer, method)}
        pictures = max(cell.pictures for cell in row.values())
        shown = " | ".join(_show(row.get(figure)) for figure in FIGURES)
        lines.append(f"| {layer} | {method} | {pictures} | {shown} |")
    return "\n".join(lines) + "\n"


def _cell(layer: str, method: str, figure: str, values: Sequence[float]) -> Cell:
    return Cell(layer, method, figure, mean(values), half_width(values), len(values))


def _show(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    decimals = DECIMALS.get(cell.figure, DEFAULT_DECIMALS)
    interval = f" ± {cell.half_width:.{decimals}f}" if cell.half_width and cell.figure in HEADINGS else ""
    return f"{cell.mean:.{decimals}f}{interval}"
