"""Permalinks: the page's state in its address, read when it opens and written by Copy link.

?example=cat&crop=0.4,0.6,0.5&decoder=linear&start=noise&steps=200&seed=0&pair=original,layer3+decoded&tab=live&layer=layer3
&mode=class, and what `tabs/explore_link.py` says of Explore. Zoom and language are the browser's alone.

What others add to an address, such as a host's frame, is nobody's mistake and passes without a word.
"""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio.components import Component

from explorer.decoding.square import CENTRE
from explorer.errors import cut
from explorer.examples import EXAMPLES
from explorer.experiments import EXPERIMENTS
from explorer.features.layers import LAYERS
from explorer.ui.components.arguments import one_of
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.events import AT_ONCE
from explorer.ui.components.examples import example_file
from explorer.ui.cropping import read_crop
from explorer.ui.language import LANGUAGES
from explorer.ui.session.app_state import AppState
from explorer.ui.session.option import Option
from explorer.ui.session.options import OPTIONS, RunOptions, list_options
from explorer.ui.session.visit import Source
from explorer.ui.tabs.explore_link import find_nonsense as find_wrong_question
from explorer.ui.tabs.explore_link import read_question, write_question
from explorer.ui.tabs.instant import BEST, list_decoders

TABS = ("instant", "live", "compare", "explore")
DECODERS = tuple(name for _, name in list_decoders())
OWN_PICTURE = "The link carries the settings; your own picture stays on this machine."
LOST_RUN = "The connection was lost, and the run ended with it; press Run to begin anew."
# The browser names the visit before a page was loaded anew, as Gradio does when it was cut off.
LAST_VISIT = "() => [window.sessionStorage.getItem('explorer-visit') ?? '']"
KEEP_VISIT = "(visit) => window.sessionStorage.setItem('explorer-visit', visit)"
# Its end may be told after the new page has opened.
CLOSING_SECONDS, POLL_SECONDS = 2.0, 0.1
NOT_UNDERSTOOD = "Not understood in this link, and left out: {}"


@dataclass(frozen=True, slots=True)
class PageControls:
    """The controls that a link carries, of three tabs; Explore's are its question, as it is asked."""

    decoder: Component
    live: Sequence[Component]
    explore: Sequence[Component]


def wire_links(
    state: AppState,
    page: gr.Blocks,
    button: gr.Button,
    notice: gr.HTML,
    picture: gr.Image,
    tabs: gr.Tabs,
    chosen: PageControls,
) -> None:
    """Open the state that the address names, and copy the address of the present one."""
    handlers = LinkHandlers(state)
    query = gr.Textbox(visible=False)
    controls = [chosen.decoder, *chosen.live, *chosen.explore]
    visit = gr.Textbox(visible=False, elem_id="last_visit")
    opened = page.load(
        handlers.restore, [visit], [notice, visit, picture, tabs, *controls], js=LAST_VISIT, **AT_ONCE
    )
    opened.success(None, [visit], js=KEEP_VISIT)
    written = button.click(handlers.write, controls, [query, notice], **AT_ONCE)
    written.success(None, [query], js="(query) => window.explorerCopyLink(query)")


class LinkHandlers:
    """Translate between addresses and the page's controls."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._options = list_options(state.network.layers)

    async def restore(self, last_visit: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Return a line on what makes no sense, this visit, then what the address names.

        That is picture, tab and controls. A page that was loaded anew has the picture that lay there before.
        """
        given = dict(request.query_params)
        returned = await self._find_picture(last_visit, request.session_hash)
        network, visit = self._state.network, self._state.visit(request)
        wrong = find_nonsense(given, self._options, network.layers) + find_wrong_question(given, network)
        example, tab, decoder = given.get("example"), given.get("tab"), given.get("decoder")
        visit.tab = tab if tab in TABS else visit.tab
        visit.pair = read_pair(given.get("pair", ""), network.layers) or visit.pair
        chosen = asdict(read_options(given, self._options))
        named = str(example_file(example)) if example in EXAMPLES else None
        if named and not returned and (crop := read_crop(given)):
            visit.returning = Source(example, crop=crop)
        return (
            describe_nonsense([f"{name}={given[name]}" for name in wrong]),
            request.session_hash,
            returned or named or gr.skip(),
            gr.Tabs(selected=tab) if tab in TABS else gr.skip(),
            decoder if decoder in DECODERS else gr.skip(),
            *(list(value) if isinstance(value, tuple) else value for value in chosen.values()),
            *read_question(given, network),
        )

    async def _find_picture(self, last_visit: str | None, session: str | None) -> str | None:
        """Take over what the visit before the page was loaded anew had, once that is over."""
        if not last_visit or not session or last_visit == session:
            return None
        visits, until = self._state.visits, time.monotonic() + CLOSING_SECONDS
        while visits.is_present(last_visit) and time.monotonic() < until:
            await asyncio.sleep(POLL_SECONDS)
        source = visits.move(last_visit, session)
        if source is not None and visits.get(session).has_lost_run:
            gr.Info(LOST_RUN)
        if source is not None and source.example and source.crop != CENTRE:
            return str(example_file(source.example))
        return source.path if source is not None and source.path and Path(source.path).is_file() else None

    def write(self, decoder: str, request: gr.Request, *chosen: Any) -> tuple[str, str]:  # noqa: ANN401
        """Return the query that leads to the present state, and a line on what it leaves out."""
        visit, live = self._state.visit(request), len(self._options)
        with clear_errors():
            options = RunOptions.from_controls(chosen[:live], self._options)
        query = {} if decoder == BEST else {"decoder": one_of("decoder", decoder, DECODERS)}
        query |= {"pair": ",".join(visit.pair)} if visit.pair else {}
        name, layers, second, *given = chosen[live:]
        experiment = one_of("experiment", name, list(EXPERIMENTS))
        query |= write_question(self._state.network, experiment, layers or (), second, given)
        example = visit.source and visit.source.example
        is_own = visit.source is not None and example is None
        if visit.source is not None and example and visit.source.crop != CENTRE:
            query = {"crop": visit.source.crop.write(), **query}
        return write_query(options, example, self._options, query), _line(OWN_PICTURE) if is_own else ""


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
        "decoder": DECODERS,
        "example": EXAMPLES,
        "tab": TABS,
        "layer": layers,
        "mode": ["class"],
        "lang": ["en", *LANGUAGES],
    }
    wrong = [name for name, values in meant.items() if name in given and given[name] not in values]
    wrong += [name for name in ("tour", "guess") if not re.fullmatch(r"[1-9]\d{0,8}", given.get(name, "1"))]
    wrong += [name for name, option in options.items() if name in given and option.read(given[name]) is None]
    wrong += ["crop"] if "crop" in given and read_crop(given) is None else []
    return wrong if "pair" not in given or read_pair(given["pair"], layers) else [*wrong, "pair"]


def read_pair(text: str, layers: Sequence[str]) -> tuple[str, ...]:
    """Read the keys of the two pictures to compare; nothing unless each may be one of the page's."""
    kinds = [f"{layer} {kind}" for layer in layers for kind in ("decoded", "optimised", "recorded")]
    pair = tuple(text.split(","))
    return pair if len(pair) == 2 and all(key in ("original", *kinds) for key in pair) else ()


def describe_nonsense(found: Sequence[str]) -> str:
    """Write the line that says what was left out of an address; "" for nothing."""
    return _line(NOT_UNDERSTOOD.format(cut(", ".join(found)))) if found else ""


def write_query(
    chosen: RunOptions,
    example: str | None,
    options: Mapping[str, Option] = MappingProxyType(OPTIONS),
    others: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write what differs from the defaults as an address's query, without its question mark."""
    changed = {
        name: option.write(value)
        for (name, option), value in zip(options.items(), asdict(chosen).values(), strict=True)
        if value != option.default
    }
    return urlencode({**({"example": example} if example else {}), **changed, **others}, safe=",")


def _line(text: str) -> str:
    return f'<p class="line" role="status">{escape(text)}</p>'
