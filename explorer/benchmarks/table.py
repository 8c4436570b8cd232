"""The one summary of many pictures: means with 95 % intervals by layer and method, as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import scipy.stats

from explorer.metrics.scores import METRICS, MISSING

CONFIDENCE = 0.95
KEYS = ["layer", "method"]
# What a record holds beside the metrics: its heading and decimals.
COSTS = {"steps": ("evaluations", 0), "seconds": ("seconds", 2)}


def summarise(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Average each figure of a report's records over the pictures that have it.

    Returns:
        A row for each layer, method and figure: `mean`, `half_width` of Student's interval (missing for a
        single picture), and `pictures`.
    """
    table = pd.DataFrame(records)
    figures = [figure for figure in (*METRICS, *COSTS) if figure in table]
    values = table.melt(KEYS, figures, "figure", ignore_index=False).dropna()
    ordered = values.astype({"value": float}).sort_index(kind="stable")
    groups = ordered.groupby([*KEYS, "figure"], sort=False)["value"]
    cells = groups.agg(["mean", "sem", "count"]).reset_index()
    quantiles = scipy.stats.t.interval(CONFIDENCE, cells["count"] - 1)[1]
    return cells.assign(half_width=cells.pop("sem") * quantiles, pictures=cells.pop("count"))


def to_markdown(cells: pd.DataFrame) -> str:
    """Lay a summary out with a row for each layer and method."""
    columns = zip(cells["figure"], cells["mean"], cells["half_width"], strict=True)
    shown = cells.assign(text=[_show(*values) for values in columns]).set_index([*KEYS, "figure"])["text"]
    figures = [*METRICS, *COSTS]
    table = shown.unstack(sort=False).reindex(figures, axis="columns").astype(object).fillna(MISSING)
    table.insert(0, "pictures", cells.groupby(KEYS, sort=False)["pictures"].max())
    named = [metric.heading for metric in METRICS.values()] + [heading for heading, _ in COSTS.values()]
    headings = [*KEYS, "pictures", *named]
    rows = [headings, ["---"] * len(headings), *table.reset_index().astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def to_plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a table into rows that JSON can hold; what is missing is None."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _show(figure: str, mean: float, half_width: float) -> str:
    interval = f" ± {_write(figure, half_width)}" if half_width > 0 else ""
    return _write(figure, mean) + interval


def _write(figure: str, value: float) -> str:
    return METRICS[figure].show(value) if figure in METRICS else f"{value:.{COSTS[figure][1]}f}"
