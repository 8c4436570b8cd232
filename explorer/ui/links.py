"""Permalinks: the page's state in its address, read when it opens and written by Copy link.

?example=cat&start=noise&steps=200&seed=0&tab=live&layer=layer3&mode=class

What others add to an address, such as a host's frame, is nobody's mistake and passes without a word.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio.components import Component

from explorer.examples import EXAMPLES
from explorer.features.layers import LAYERS
from explorer.ui.components.arguments import cut
from explorer.ui.components.events import AT_ONCE
from explorer.ui.components.examples import example_file
from explorer.ui.language import LANGUAGES
from explorer.ui.session.app_state import AppState
from explorer.ui.session.option import Option
from explorer.ui.session.options import OPTIONS, RunOptions, list_options

TABS = ("instant", "live", "compare", "explore")
NOT_UNDERSTOOD = "Not understood in this link, and left out: {}"


def wire_links(
    state: AppState,
    page: gr.Blocks,
    button: gr.Button,
    notice: gr.HTML,
    picture: gr.Image,
    tabs: gr.Tabs,
    controls: list[Component],
) -> None:
    """Open the state that the address names, and copy the address of the present one."""
    handlers = LinkHandlers(state)
    query = gr.Textbox(visible=False)
    page.load(handlers.restore, outputs=[notice, picture, tabs, *controls], **AT_ONCE)
    written = button.click(handlers.write, controls, [query], **AT_ONCE)
    written.success(None, [query], js="(query) => window.explorerCopyLink(query)")


class LinkHandlers:
    """Translate between addresses and the page's controls."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._options = list_options(state.network.layers)

    def restore(self, request: gr.Request) -> tuple[Any, ...]:
        """Return a line on what makes no sense, then what the address names: picture, tab and controls."""
        given = dict(request.query_params)
        notice = describe_nonsense(find_nonsense(given, self._options, self._state.network.layers))
        example, tab = given.get("example"), given.get("tab")
        chosen = asdict(read_options(given, self._options))
        shown = str(example_file(example)) if example in EXAMPLES else gr.skip()
        values = [list(value) if isinstance(value, tuple) else value for value in chosen.values()]
        return notice, shown, gr.Tabs(selected=tab) if tab in TABS else gr.skip(), *values

    def write(self, request: gr.Request, *chosen: Any) -> str:  # noqa: ANN401 - of each option's own type
        """Return the query that leads to the present state."""
        exploration = self._state.visits.get(request.session_hash).exploration
        if exploration is not None and exploration.example is None:
            gr.Info("The link carries the settings; your own picture stays on this machine.")
        options = RunOptions.from_controls(chosen, self._options)
        return write_query(options, exploration and exploration.example, self._options)


def read_options(
    given: Mapping[str, str], options: Mapping[str, Option] = MappingProxyType(OPTIONS)
) -> RunOptions:
    """Read the options that an address names; whatever makes no sense keeps its default."""
    values: dict[str, Any] = {name: option.default for name, option in options.items()}
    for name, option in options.items():
        if name in given and (value := option.read(given[name])) is not None:
            values[name] = value
    return RunOptions(**values)


def find_nonsense(
    given: Mapping[str, str],
    options: Mapping[str, Option] = MappingProxyType(OPTIONS),
    layers: Sequence[str] = LAYERS,
) -> list[str]:
    """List the page's own parameters to which an address gives a value that means nothing."""
    meant: dict[str, Sequence[str]] = {
        "example": EXAMPLES,
        "tab": TABS,
        "layer": layers,
        "mode": ["class"],
        "lang": ["en", *LANGUAGES],
    }
    wrong = [name for name, values in meant.items() if name in given and given[name] not in values]
    wrong += [name for name in ("tour", "guess") if not re.fullmatch(r"[1-9]\d{0,8}", given.get(name, "1"))]
    wrong += [name for name, option in options.items() if name in given and option.read(given[name]) is None]
    return [f"{name}={given[name]}" for name in wrong]


def describe_nonsense(found: Sequence[str]) -> str:
    """Write the line that says what was left out of an address; "" for nothing."""
    said = NOT_UNDERSTOOD.format(cut(", ".join(found)))
    return f'<p class="line" role="status">{escape(said)}</p>' if found else ""


def write_query(
    chosen: RunOptions, example: str | None, options: Mapping[str, Option] = MappingProxyType(OPTIONS)
) -> str:
    """Write what differs from the defaults as an address's query, without its question mark."""
    changed = {
        name: option.write(value)
        for (name, option), value in zip(options.items(), asdict(chosen).values(), strict=True)
        if value != option.default
    }
    return urlencode({"example": example, **changed} if example else changed, safe=",")
