"""The page: header, picture and tabs; and its state line about the models."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from html import escape

import gradio as gr

from explorer.device import describe_precision
from explorer.examples import EXAMPLES
from explorer.features.network import Network
from explorer.ui.api.endpoints import add_endpoints
from explorer.ui.arrival import wire_arrival
from explorer.ui.components.arguments import one_of, sent_with, whole_number
from explorer.ui.components.checked_blocks import CheckedBlocks
from explorer.ui.components.events import AT_ONCE, TOGETHER, save_on_click
from explorer.ui.components.examples import build_examples, example_file
from explorer.ui.components.picture_input import build_picture_input
from explorer.ui.crop_box import build_crop_box
from explorer.ui.exploring.wiring import wire_explore
from explorer.ui.export import ExportHandlers
from explorer.ui.limits.callers import caller
from explorer.ui.links import TABS, PageControls, wire_links
from explorer.ui.session.app_state import AppState
from explorer.ui.session.visits import AWAY_SECONDS
from explorer.ui.tabs.compare import build_compare, wire_compare
from explorer.ui.tabs.explore import build_explore
from explorer.ui.tabs.instant import build_instant
from explorer.ui.tabs.live import build_live, wire_live

TITLE = "ResNet Inversion Explorer"
_HEADER = """
<h1>What does each layer of {network} keep of a picture?</h1>
<p>A picture goes in. From the features of <b>one layer alone</b>, we try to get it back.</p>
<dialog id="keys" aria-label="Keys">
  <h2>Keys</h2>
  <dl>
    <dt>Esc</dt><dd>stop the run</dd>
    <dt>Space</dt><dd>play or pause a replay</dd>
    <dt>{keys}</dt><dd>look at one layer alone</dd>
    <dt>→</dt><dd>reveal the next layer, in class mode</dd>
    <dt>?</dt><dd>show or hide these keys</dd>
  </dl>
</dialog>
"""
NO_TRAINED_DECODERS = (
    "No decoder has been trained for {network}: linear ones, fitted on the examples, stand in."
)
STATUS_EVERY_SECONDS = 0.5
# Pictures and figures of visitors who have left go after half an hour; checked every ten minutes.
DELETE_FILES = (600, 1800)


def build_page(state: AppState) -> gr.Blocks:
    """Lay out the page and connect its events to the state."""
    with CheckedBlocks(
        title=TITLE, fill_width=True, delete_cache=DELETE_FILES, analytics_enabled=False
    ) as page:
        with gr.Row(elem_id="header"):
            with gr.Column(scale=6, min_width=320):
                gr.HTML(write_header(state.network), elem_id="title")
                models = gr.HTML(_describe_models(state), elem_id="models")
                notice = gr.HTML("", elem_id="notice")
            strip = build_examples()
            picture = build_picture_input()
            box = build_crop_box()
            # The script of the toolbar puts both into the menu Share.
            with gr.Row(elem_classes="toolbar"):
                link = gr.Button("Copy link", size="sm", scale=0, min_width=100, elem_id="link")
                export = gr.Button("Export", size="sm", scale=0, min_width=90, elem_id="export")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Instant", id="instant", render_children=True):
                instant = build_instant(state.network)
            with gr.Tab("Live", id="live", render_children=True):
                live = build_live(state.network)
            with gr.Tab("Compare", id="compare", render_children=True) as compare_tab:
                slider = build_compare()
            with gr.Tab("Explore", id="explore", render_children=True) as explore_tab:
                explore = build_explore(state.network, takes_weights=state.takes_weights)
        arrivals, decoded = wire_arrival(state, page, picture, box, instant, live)
        finished = wire_live(state, page, live)
        wire_compare(state, compare_tab, slider, [*arrivals, *decoded, *finished])
        wire_explore(state, page, explore_tab, explore, arrivals)
        carried = PageControls(instant.decoder, live.controls, explore.question())
        wire_links(state, page, link, notice, picture, tabs, carried)
        save_on_click(export, ExportHandlers(state).pack, show_progress="minimal")
        add_endpoints(state, page)
        handlers = PageHandlers(state, page)
        tabs.select(handlers.turn_to, **AT_ONCE)
        strip.choose(handlers.choose, outputs=[picture], **AT_ONCE)
        page.load(handlers.follow_loading, outputs=[models], **TOGETHER)
        page.unload(handlers.leave)
    return page


def write_header(network: Network) -> str:
    """Write the page's question, and its keys."""
    last = len(network.layers)
    return _HEADER.format(network=escape(network.title), keys="1" if last == 1 else f"1 – {last}")


def describe_decoders(network: Network) -> str | None:
    """Say that a network's decoders are linear ones; None where trained ones ship."""
    return None if network.is_resnet50 else NO_TRAINED_DECODERS.format(network=network.title)


class PageHandlers:
    """Translate between the page as a whole and the state of the app."""

    def __init__(self, state: AppState, page: CheckedBlocks) -> None:
        self._state = state
        self._page = page

    def choose(self, event: gr.EventData) -> str:
        """Return the example that was clicked, as a file for the picture input."""
        return str(example_file(one_of("example", sent_with(event, "name"), EXAMPLES)))

    def turn_to(self, event: gr.EventData, request: gr.Request) -> None:
        """Note which tab a visitor looks at: what it shows follows the picture."""
        place = whole_number("tab", sent_with(event, "index"), 0, len(TABS) - 1)
        self._state.visit(request).tab = TABS[place]

    async def follow_loading(self) -> AsyncIterator[str]:
        """Tell what is being loaded until nothing is."""
        while not self._state.loading.is_ready:
            yield _describe_models(self._state)
            await asyncio.sleep(STATUS_EVERY_SECONDS)
        yield _describe_models(self._state)

    async def leave(self, request: gr.Request) -> None:
        """End what a visitor who has closed the page had under way; forget one who does not come back."""
        self._state.visits.step_out(request.session_hash, caller(request))
        loop = asyncio.get_running_loop()
        loop.call_later(AWAY_SECONDS + 1, lambda: loop.run_in_executor(None, self._forget_who_has_gone))

    def _forget_who_has_gone(self) -> None:
        for session in self._state.visits.sweep():
            self._page.forget(session)


def _describe_models(state: AppState) -> str:
    """Say what is loading, or which weights run, where they are exact and how to get others."""
    loading, network = state.loading, state.network
    if not loading.is_ready:
        return f'<p class="line" role="status">{escape(loading.doing)}</p>'
    if loading.failure:
        return _banner(loading.failure)
    backbone = loading.lab.backbone
    # Weights of any other network are called by its name.
    weights = f"{network.title} {backbone.name}" if network.is_resnet50 else backbone.name
    facts = f"{weights} · optimiser in {describe_precision(loading.lab.device)}"
    lines = [facts, *filter(None, [describe_decoders(network), backbone.notice])]
    banner = _banner(loading.notice) if loading.notice else ""
    return banner + write_weights("compact weights" if backbone.notice else backbone.name, lines)


def write_weights(summary: str, lines: Sequence[str]) -> str:
    """Write which weights run in two words, which open to sentences."""
    paragraphs = "".join(f'<p class="line">{escape(line)}</p>' for line in lines)
    return (
        f'<div role="status"><details><summary><i aria-hidden="true">i</i> <span>{escape(summary)}</span>'
        f"</summary>{paragraphs}</details></div>"
    )


def _banner(text: str) -> str:
    return f'<p class="banner" role="alert">{escape(text)}</p>'
