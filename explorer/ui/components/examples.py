"""The strip of example pictures, free ones that scikit-image brings along."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr
import torch

from explorer.examples import EXAMPLES, load_example
from explorer.images import Picture, encode_jpeg, encode_png
from explorer.ui.stage import data_uri

THUMBNAIL_SIZE = 112

TEMPLATE = """
<div class="strip" role="group" aria-label="Example pictures">
  {{#each examples}}
  <button type="button" data-name="{{name}}" title="{{name}}">
    <img src="{{src}}" alt="Example: {{name}}">
  </button>
  {{/each}}
</div>
"""
SCRIPT = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("choose", { name: button.dataset.name });
});
"""


def build_examples() -> gr.HTML:
    """Lay out buttons with thumbnails; `choose` fires with the example's name."""
    return gr.HTML(
        html_template=TEMPLATE,
        js_on_load=SCRIPT,
        apply_default_css=False,
        elem_id="examples",
        examples=[{"name": name, "src": _thumbnail(name)} for name in EXAMPLES],
    )


@cache
def example_file(name: str) -> Path:
    """Write an example as the network is given it, once per process, for the picture input to show."""
    path = Path(_folder().name) / f"{name}.png"
    path.write_bytes(encode_png(load_example(name).images))
    return path


def recognise_example(picture: Picture) -> str | None:
    """Name the example whose pixels these are, if any."""
    return next((name for name in EXAMPLES if torch.equal(_example(name).images, picture.images)), None)


@cache
def _folder() -> TemporaryDirectory[str]:
    """Make the folder of the examples' files, which goes with the process."""
    return TemporaryDirectory(prefix="examples-")


@cache
def _example(name: str) -> Picture:
    return load_example(name)


def _thumbnail(name: str) -> str:
    return data_uri(encode_jpeg(load_example(name, size=THUMBNAIL_SIZE).images))
