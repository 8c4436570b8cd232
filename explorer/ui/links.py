"""Permalinks: the page's state in its address, read when it opens and written by Copy link.

?example=cat&start=noise&steps=200&seed=0&tab=live&layer=layer3&mode=class
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from explorer.examples import EXAMPLES
from explorer.features.layers import LAYERS
from explorer.ui.components.examples import example_file
from explorer.ui.session.app_state import AppState
from explorer.ui.session.options import MAX_SECONDS, MAX_STEPS, OPTIMISERS, PRIOR_WEIGHTS, STARTS, RunOptions
from explorer.ui.tabs.controls import Controls

TABS = ("instant", "live", "compare")
CHOICES = {
    "start": [value for _, value in STARTS],
    "prior": PRIOR_WEIGHTS,
    "optimiser": [value for _, value in OPTIMISERS],
}
LIMITS = {"steps": (10, MAX_STEPS), "seconds": (5, MAX_SECONDS), "seed": (0, 2**31)}


def wire_links(
    state: AppState, page: gr.Blocks, button: gr.Button, picture: gr.Image, tabs: gr.Tabs, controls: Controls
) -> None:
    """Open the state that the address names, and copy the address of the present one."""
    query = gr.Textbox(visible=False)

    def restore(request: gr.Request) -> tuple[Any, ...]:
        given = dict(request.query_params)
        example, tab = given.get("example"), given.get("tab")
        options = read_options(given)
        shown = str(example_file(example)) if example in EXAMPLES else gr.skip()
        chosen = [getattr(options, entry.name) for entry in fields(RunOptions)]
        chosen[-1] = list(options.layers)
        return shown, gr.Tabs(selected=tab) if tab in TABS else gr.skip(), *chosen

    def write(request: gr.Request, *chosen: Any) -> str:  # noqa: ANN401
        example = state.visit(request.session_hash).example
        if example is None and state.visit(request.session_hash).picture is not None:
            gr.Info("The link carries the settings; your own picture stays on this machine.")
        return write_query(RunOptions.from_controls(chosen), example)

    at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    page.load(restore, outputs=[picture, tabs, *controls.components()], **at_once)
    written = button.click(write, controls.components(), [query], **at_once)
    written.success(None, [query], js="(query) => window.explorerCopyLink(query)")


def read_options(given: Mapping[str, str]) -> RunOptions:
    """Read the options that an address names; whatever makes no sense keeps its default."""
    options: dict[str, Any] = {
        name: given[name] for name, known in CHOICES.items() if given.get(name) in known
    }
    for name, (low, high) in LIMITS.items():
        if given.get(name, "").isdecimal():
            options[name] = min(max(int(given[name]), low), high)
    layers = tuple(layer for layer in LAYERS if layer in given.get("layers", "").split(","))
    if layers:
        options["layers"] = layers
    return RunOptions(**options)


def write_query(options: RunOptions, example: str | None) -> str:
    """Write what differs from the defaults as an address's query, without its question mark."""
    defaults = RunOptions()
    values = {entry.name: getattr(options, entry.name) for entry in fields(RunOptions)}
    changed = {name: value for name, value in values.items() if value != getattr(defaults, name)}
    if "layers" in changed:
        changed["layers"] = ",".join(options.layers)
    return urlencode({**({"example": example} if example else {}), **changed}, safe=",")
