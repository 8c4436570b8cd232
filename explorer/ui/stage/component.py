"""The stage as a Gradio component."""

from pathlib import Path
from typing import Literal

import gradio as gr

from explorer.backbones import LAYERS

FOLDER = Path(__file__).parent
# Canvas dashes per layer, so that curves can be told apart without colour.
DASHES = [[], [8, 4], [3, 3], [10, 3, 2, 3]]


def build_stage(mode: Literal["instant", "live"], *, title: str, elem_id: str) -> gr.HTML:
    """Lay out a stage; its value is `StageValue.plain()`, and its nodes survive every update."""
    return gr.HTML(
        html_template=(FOLDER / "stage.html").read_text(encoding="utf-8"),
        js_on_load=(FOLDER / "stage.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
        mode=mode,
        title=title,
        layers=list(LAYERS),
        dashes=DASHES,
    )
