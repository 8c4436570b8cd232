"""The table of numbers under the stage: a row for each layer, a column for each metric."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.metrics.scores import METRICS, MISSING, Scores


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of the table."""

    layer: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers; `columns` head the cells."""

    columns: tuple[str, ...]
    rows: Sequence[TableRow]


def make_table(rows: Sequence[TableRow]) -> Table:
    """Put the metrics' names over rows made by `make_row`; a metric that no row has gets no column."""
    headings = [*(metric.heading for metric in METRICS.values()), "evaluations", "seconds"]
    shown = [place for place in range(len(headings)) if any(row.cells[place] != MISSING for row in rows)]
    kept = [TableRow(row.layer, tuple(row.cells[place] for place in shown)) for row in rows]
    return Table(tuple(headings[place] for place in shown), kept)


def make_row(layer: str, scores: Scores, evaluations: int, seconds: float) -> TableRow:
    """Write one reconstruction's numbers; a missing one is a dash."""
    shown = [metric.show(scores[key]) for key, metric in METRICS.items()]
    return TableRow(layer, (*shown, str(evaluations), f"{seconds:.1f}"))
