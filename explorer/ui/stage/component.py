"""The stage as a Gradio component."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import gradio as gr

from explorer.report.style import css_variable, layer_style

FOLDER = Path(__file__).parent
FEWEST_COLUMNS = 4  # Fewer pictures would be blown up.
MAX_SHORT_NAME = 8  # A longer name, such as features.29, gets a line of its own.


def build_stage(
    mode: Literal["instant", "live"], layers: Sequence[str], *, title: str, elem_id: str
) -> gr.HTML:
    """Lay out a stage of these layers; its value is `StageValue.text()`, its nodes survive every update."""
    return gr.HTML(
        html_template=stage_template(mode, title),
        js_on_load=stage_script(layers),
        apply_default_css=False,
        elem_id=elem_id,
    )


def stage_template(mode: str, title: str) -> str:
    """Write the stage's element; Gradio compiles it again on every update, so the script fills it."""
    return f'<section class="stage" data-mode="{mode}" aria-label="{title}"></section>'


def stage_script(layers: Sequence[str]) -> str:
    """Write the script that fills the stage's element and draws its values."""
    panels = "".join(_write_panel(layer, layers) for layer in layers)
    columns = str(max(FEWEST_COLUMNS, 1 + len(layers)))
    names = "long" if max(map(len, layers)) > MAX_SHORT_NAME else "short"
    filled = _fill("stage.html", panels=panels, columns=columns, names=names)
    content = f"const CONTENT = {json.dumps(filled)};\n"
    return content + "".join(map(_fill, ("curves.js", "second_looks.js", "stage.js")))


def _write_panel(layer: str, layers: Sequence[str]) -> str:
    dash = json.dumps(layer_style(layer, layers).dash)
    return _fill("panel.html", layer=layer, dash=dash, variable=css_variable(layer))


def _fill(name: str, **parts: str) -> str:
    text = (FOLDER / name).read_text(encoding="utf-8")
    for key, part in parts.items():
        text = text.replace(f"@{key}", part)
    return text
