"""The stage as a Gradio component."""

import json
from pathlib import Path
from typing import Literal

import gradio as gr

from explorer.features.layers import LAYERS
from explorer.report.style import layer_style

FOLDER = Path(__file__).parent


def build_stage(mode: Literal["instant", "live"], *, title: str, elem_id: str) -> gr.HTML:
    """Lay out a stage; its value is `StageValue.text()`, and its nodes survive every update."""
    return gr.HTML(
        html_template=stage_template(mode, title),
        js_on_load=stage_script(),
        apply_default_css=False,
        elem_id=elem_id,
    )


def stage_template(mode: str, title: str) -> str:
    """Write the stage's element; Gradio compiles it again on every update, so the script fills it."""
    return f'<section class="stage" data-mode="{mode}" aria-label="{title}"></section>'


def stage_script() -> str:
    """Write the script that fills the stage's element and draws its values."""
    panels = "".join(
        _fill("panel.html", layer=layer, dash=json.dumps(layer_style(layer).dash)) for layer in LAYERS
    )
    content = f"const CONTENT = {json.dumps(_fill('stage.html', panels=panels))};\n"
    return content + _fill("curves.js") + _fill("stage.js")


def _fill(name: str, **parts: str) -> str:
    text = (FOLDER / name).read_text(encoding="utf-8")
    for key, part in parts.items():
        text = text.replace(f"@{key}", part)
    return text
