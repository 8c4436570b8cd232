"""The Explore tab's stage as a Gradio component, and what the server sends to it: one JSON text."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from explorer.experiments.experiment import Result, Row, Value
from explorer.report.chart import draw_chart
from explorer.ui.stage import data_uri, still

FOLDER = Path(__file__).parent
MAX_ROWS = 100  # Of the table; the exported report has all of them.


def build_explore_stage() -> gr.HTML:
    """Lay out the stage; `region` fires with a rectangle drawn on the original, as text of four shares."""
    return gr.HTML(
        html_template=explore_template(),
        js_on_load=explore_script(),
        apply_default_css=False,
        elem_id="explore",
    )


def explore_template() -> str:
    """Return the HTML of an empty stage."""
    return (FOLDER / "explore_stage.html").read_text(encoding="utf-8")


def explore_script() -> str:
    """Return what the stage runs."""
    return (FOLDER / "explore_stage.js").read_text(encoding="utf-8")


def show_nothing(status: str) -> str:
    """Write a value without pictures, whose status says why."""
    return json.dumps({"pictures": [], "status": status})


def show_result(result: Result, layers: Sequence[str], *, takes_region: bool = False) -> str:
    """Write a result as the stage understands it; `layers` are those of the network, shallow ones first.

    Where it `takes_region`, the original says that a rectangle can be drawn on it.
    """
    return json.dumps(
        {
            "pictures": [
                {"src": still(one.images), "caption": one.caption, "layer": one.layer}
                for one in result.pictures
            ],
            "sentences": list(result.sentences),
            "charts": [
                {"src": data_uri(draw_chart(chart, layers), "svg+xml"), "title": chart.title}
                for chart in result.charts
            ],
            "table": _make_table(result.rows),
            "progress": result.progress,
            "status": result.doing,
            "takes_region": takes_region,
        }
    )


def _make_table(rows: Sequence[Row]) -> dict[str, Any]:
    columns = list(rows[0]) if rows else []
    cells = [[_write(row[column]) for column in columns] for row in rows[:MAX_ROWS]]
    left_out = max(0, len(rows) - MAX_ROWS)
    return {"columns": columns, "rows": cells, "left_out": left_out}


def _write(value: Value) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
