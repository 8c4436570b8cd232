"""A new picture arrives: it is shown at once, then decoded; what belonged to the one before goes."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr
from gradio.events import Dependency

from explorer.examples import EXAMPLES
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.events import TOGETHER, one_at_a_time
from explorer.ui.components.examples import recognise_example
from explorer.ui.components.picture_input import read_upload
from explorer.ui.components.recordings import has_recording
from explorer.ui.session.app_state import AppState
from explorer.ui.session.recall import recall
from explorer.ui.session.visit import Arrival, Exploration, Visit
from explorer.ui.stage import StageValue, still
from explorer.ui.tabs.instant import InstantTab, decode_picture, describe_decoded, measure_decoded
from explorer.ui.tabs.live import LiveTab

# Shorter than an error message is shown, longer than a busy machine needs to tell of a file again.
ECHO_SECONDS = 5.0
WELCOME_POLL_SECONDS = 0.2


def wire_arrival(
    state: AppState, page: gr.Blocks, picture: gr.Image, instant: InstantTab, live: LiveTab
) -> Dependency:
    """Show every new picture on both stages and decode it; a newer one replaces those that still wait.

    So does another choice of decoder. Until a picture comes, an example is shown. Returns the event after
    which a visit has its new picture.
    """
    handlers = ArrivalHandlers(state)
    outputs = [instant.stage, live.stage, live.replay, live.resume, live.plot]
    decoding = [instant.decoder, picture], [instant.stage]
    one_by_one = one_at_a_time("decoding")
    arrival = picture.change(handlers.accept, [picture], outputs, trigger_mode="always_last", **TOGETHER)
    measuring = [], [instant.stage]
    measured_one_by_one = one_at_a_time("measuring")
    arrival.success(handlers.decode, *decoding, **one_by_one).success(
        handlers.measure, *measuring, **measured_one_by_one
    )
    page.load(handlers.welcome, outputs=outputs[:3], **TOGETHER)
    instant.decoder.input(handlers.decode_again, *decoding, trigger_mode="always_last", **one_by_one).success(
        handlers.measure, *measuring, **measured_one_by_one
    )
    return arrival


class ArrivalHandlers:
    """Translate between the picture input and the two stages."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    async def welcome(self, request: gr.Request) -> tuple[Any, ...]:
        """Show the decoded example, unless the address names another one or a picture has come."""
        nothing = (gr.skip(),) * 3
        if request.query_params.get("example") in EXAMPLES:
            return nothing
        while not self._state.loading.is_ready:
            await asyncio.sleep(WELCOME_POLL_SECONDS)
        welcome, visit = self._state.loading.welcome, self._visit(request)
        if welcome is None or visit.arrival is not None or visit.exploration is not None:
            return nothing
        visit.put(replace(welcome))  # A copy of its own: a run belongs to one visitor.
        shown = describe_decoded(self._state, welcome)
        is_recorded = has_recording(welcome.example, self._state.network)
        return shown.text(), _fresh(still(welcome.picture.images)), gr.update(visible=is_recorded)

    def accept(self, path: str | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Lay a new picture down, or none."""
        visit = self._visit(request)
        if _is_echo(visit, path):
            yield (gr.skip(),) * 5
            return
        visit.arrival = None if path is None else Arrival(path, time.monotonic())
        visit.put(None)
        # Cleared first, so that an unusable file leaves no earlier picture behind its error message.
        yield _fresh(), _fresh(), *_buttons(is_recorded=False)
        if path is None:
            return
        picture = read_upload(path)
        example = recognise_example(picture)
        if example is None:  # Examples are files that all visitors share.
            visit.uploads.add(Path(path))
        visit.put(Exploration(picture, example))
        self._state.visits.make_room()
        shown = still(picture.images)
        is_recorded = has_recording(example, self._state.network)
        yield _fresh(shown), _fresh(shown), *_buttons(is_recorded=is_recorded)

    def decode(self, method: str, path: str | None, request: gr.Request) -> Iterator[Any]:
        """Decode the picture, unless there is none, it was refused, or that has been done."""
        visit = self._visit(request)
        is_refused = visit.exploration is None and visit.arrival is not None
        is_missing = visit.exploration is None and path is None
        exploration = None if is_missing or is_refused else recall(visit, path)
        if exploration is None or exploration.decoded:
            yield gr.skip()
            return
        with clear_errors(), self._state.queue.giving_way():
            for value in decode_picture(self._state, exploration, method):
                if visit.exploration is not exploration:
                    return
                yield value.text()

    def decode_again(self, method: str, path: str | None, request: gr.Request) -> Iterator[Any]:
        """Decode the picture by another decoder."""
        if (exploration := self._visit(request).exploration) is not None:
            exploration.decoded = {}
        yield from self.decode(method, path, request)

    def measure(self, request: gr.Request) -> str | dict[str, Any]:
        """Measure what has just been decoded."""
        exploration = self._visit(request).exploration
        with clear_errors():
            value = exploration and measure_decoded(self._state, exploration)
        return value.text() if value and self._visit(request).exploration is exploration else gr.skip()

    def _visit(self, request: gr.Request) -> Visit:
        return self._state.visits.get(request.session_hash)


def _is_echo(visit: Visit, path: str | None) -> bool:
    """Whether Gradio tells of the same file twice, as it does when one file replaces another."""
    last = visit.arrival
    return last is not None and last.path == path and time.monotonic() - last.seconds < ECHO_SECONDS


def _fresh(original: str = "") -> str:
    return StageValue(uuid4().hex, original).text()


def _buttons(*, is_recorded: bool) -> tuple[Any, ...]:
    """Offer the recorded run if there is one; there is nothing to resume, and no figure yet."""
    return gr.update(visible=is_recorded), gr.update(visible=False), gr.update(visible=False)
