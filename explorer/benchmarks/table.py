"""The one summary of many pictures: means with 95 % intervals by layer and method, as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import scipy.stats

from explorer.benchmarks.curve import KEYS
from explorer.metrics.scores import METRICS, MISSING

CONFIDENCE = 0.95
# What a record may hold beside the metrics: its heading and decimals.
OTHERS = {"grid": ("grid (photos: 1)", 2), "steps": ("evaluations", 0), "seconds": ("seconds", 2)}


def summarise(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Average each figure of a report's records over the pictures that have it.

    Returns:
        A row for each layer, method and figure: `mean`, `half_width` of Student's interval (missing for a
        single picture), and `pictures`.
    """
    table = pd.DataFrame(records)
    figures = [figure for figure in (*METRICS, *OTHERS) if figure in table]
    values = table.melt(KEYS, figures, "figure", ignore_index=False).dropna()
    ordered = values.astype({"value": float}).sort_index(kind="stable")
    groups = ordered.groupby([*KEYS, "figure"], sort=False)["value"]
    cells = groups.agg(["mean", "sem", "count"]).reset_index()
    quantiles = scipy.stats.t.interval(CONFIDENCE, cells["count"] - 1)[1]
    return cells.assign(half_width=cells.pop("sem") * quantiles, pictures=cells.pop("count"))


def lay_out(cells: pd.DataFrame) -> pd.DataFrame:
    """Write a summary as texts, with a row for each layer and method."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in to_plain(cells):
        row = rows.setdefault(
            (cell["layer"], cell["method"]), {key: cell[key] for key in [*KEYS, "pictures"]}
        )
        row["pictures"] = max(row["pictures"], cell["pictures"])
        row[cell["figure"]] = _show(cell["figure"], cell["mean"], cell["half_width"])
    headings = {key: metric.heading for key, metric in METRICS.items()}
    headings |= {key: heading for key, (heading, _) in OTHERS.items()}
    table = pd.DataFrame(list(rows.values()), columns=[*KEYS, "pictures", *headings])
    return table.astype(object).fillna(MISSING).astype(str).rename(columns=headings)


def to_markdown(table: pd.DataFrame) -> str:
    """Write a table of texts as Markdown."""
    rows = [list(table), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def to_plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a table into rows that JSON can hold; what is missing is None."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _show(figure: str, mean: float, half_width: float | None) -> str:
    interval = f" ± {_write(figure, half_width)}" if half_width else ""
    return _write(figure, mean) + interval


def _write(figure: str, value: float) -> str:
    return METRICS[figure].show(value) if figure in METRICS else f"{value:.{OTHERS[figure][1]}f}"
