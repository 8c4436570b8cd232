"""The stage: one row Original | layer1 … layer4 with its numbers, curves and replay, drawn by the browser.

The server sends one plain value per update; the browser keeps its nodes, so nothing flickers or loses focus.
"""

from explorer.ui.stage.component import build_stage
from explorer.ui.stage.value import StagePanel, StageValue, data_uri, read_frame, still

__all__ = ["StagePanel", "StageValue", "build_stage", "data_uri", "read_frame", "still"]
