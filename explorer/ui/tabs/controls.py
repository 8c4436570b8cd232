"""The controls of a live run, built from the table of its options."""

from collections.abc import Mapping

import gradio as gr
from gradio.components import Component

from explorer.ui.session.option import Choice, Number, Option, Subset
from explorer.ui.session.options import OPTIONS

# The one choice that everybody should see.
START = "start"
COLUMNS = (("steps", "seconds"), ("prior", "optimiser"), ("layers", "seed"))
SHORT_LIST = 3  # As many choices stand side by side.


def build_start() -> Component:
    """Lay out the choice of the start."""
    return _build(OPTIONS[START], container=False)


def build_controls(start: Component, options: Mapping[str, Option]) -> list[Component]:
    """Lay out the other choices in an accordion; return all controls in the order of the options."""
    built = {START: start}
    with gr.Accordion("Settings", open=False, elem_classes="advanced"), gr.Row():
        for names in COLUMNS:
            with gr.Column(min_width=240):
                built |= {name: _build(options[name]) for name in names}
    return [built[name] for name in options]


def _build(option: Option, *, container: bool = True) -> Component:
    shared = {"label": option.label, "info": option.info or None, "elem_id": option.name}
    match option:
        case Choice():
            kind = gr.Radio if len(option.choices) <= SHORT_LIST else gr.Dropdown
            return kind(list(option.choices.items()), value=option.default, container=container, **shared)
        case Number(step=None):
            return gr.Number(option.default, precision=0, minimum=option.low, maximum=option.high, **shared)
        case Number():
            return gr.Slider(option.low, option.high, option.default, step=option.step, **shared)
        case Subset():
            return gr.CheckboxGroup(list(option.choices), value=list(option.default), **shared)
