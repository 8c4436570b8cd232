"""The slider as a Gradio component, and what the server sends to it."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SliderPicture:
    """A picture that can be chosen; `layer` gives it its colour."""

    label: str
    src: str
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class SliderValue:
    """All pictures there are, the two chosen, and what can be said of these two."""

    pictures: dict[str, SliderPicture] = field(default_factory=dict)
    a: str = ""
    b: str = ""
    likeness: str = ""
    verdict: str = ""
    others: str = ""  # What an independent network says.
    opinions: dict[str, list[tuple[str, float]]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Give the value as JSON can hold it."""
        return asdict(self)


def build_compare_slider() -> gr.HTML:
    """Lay out the slider; `pick` fires with the keys `a` and `b` of the pictures chosen."""
    return gr.HTML(
        html_template=slider_template(),
        js_on_load=slider_script(),
        apply_default_css=False,
        elem_id="compare",
    )


def slider_template() -> str:
    """Write the slider's elements."""
    return (FOLDER / "compare_slider.html").read_text(encoding="utf-8")


def slider_script() -> str:
    """Write the script that draws the slider's values."""
    return (FOLDER / "compare_slider.js").read_text(encoding="utf-8")
