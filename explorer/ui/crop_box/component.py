"""The crop box as a Gradio component and what the server sends to it: a JSON text, none without a picture."""

import json
from dataclasses import astuple
from pathlib import Path

import gradio as gr

from explorer.decoding.square import Crop

FOLDER = Path(__file__).parent
CHOOSABLE = json.dumps({"choosable": True})  # There is a picture, whose square can be chosen.


def build_crop_box() -> gr.HTML:
    """Lay out the box, closed; `look` fires to have the photo, `cut` with the square's x, y and side."""
    return gr.HTML(
        html_template=(FOLDER / "crop_box.html").read_text(encoding="utf-8"),
        js_on_load=(FOLDER / "crop_box.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="crop",
    )


def show_whole(source: str, crop: Crop) -> str:
    """Write the value that opens the box: the photo as a data URI, and its present square."""
    return json.dumps({"choosable": True, "src": source, "crop": astuple(crop)})
