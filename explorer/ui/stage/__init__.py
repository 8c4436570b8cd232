"""The stage: the original and a panel for each layer, with numbers, curves and replay, drawn by the browser.

The server sends one plain value per update; the browser keeps its nodes, so nothing flickers or loses focus.
"""

from explorer.ui.stage.component import build_stage
from explorer.ui.stage.encoding import data_uri, still
from explorer.ui.stage.table import Table, make_row, make_table
from explorer.ui.stage.value import StagePanel, StageValue, begin_stage, read_frame

__all__ = [
    "StagePanel",
    "StageValue",
    "Table",
    "begin_stage",
    "build_stage",
    "data_uri",
    "make_row",
    "make_table",
    "read_frame",
    "still",
]
