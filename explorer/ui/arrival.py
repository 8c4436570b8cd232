"""A new picture arrives: it is shown at once, then decoded; what belonged to the one before goes."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr
from gradio.events import Dependency

from explorer.ui.components.errors import clear_errors
from explorer.ui.components.events import TOGETHER, one_at_a_time
from explorer.ui.components.examples import recognise_example
from explorer.ui.components.picture_input import read_upload
from explorer.ui.components.recordings import has_recording
from explorer.ui.session.app_state import AppState
from explorer.ui.session.recall import recall
from explorer.ui.session.visit import Arrival, Exploration, Visit
from explorer.ui.stage import StageValue, still
from explorer.ui.tabs.instant import InstantTab, decode_picture
from explorer.ui.tabs.live import LiveTab

# Shorter than an error message is shown, longer than a busy machine needs to tell of a file again.
ECHO_SECONDS = 5.0


def wire_arrival(state: AppState, picture: gr.Image, instant: InstantTab, live: LiveTab) -> Dependency:
    """Show every new picture on both stages and decode it; a newer one replaces those that still wait.

    So does another choice of decoder. Returns the event after which a visit has its new picture.
    """
    handlers = ArrivalHandlers(state)
    outputs = [instant.stage, live.stage, live.replay, live.resume, live.plot]
    decoding = [instant.decoder, picture], [instant.stage]
    one_by_one = one_at_a_time("decoding")
    arrival = picture.change(handlers.accept, [picture], outputs, trigger_mode="always_last", **TOGETHER)
    arrival.success(handlers.decode, *decoding, **one_by_one)
    instant.decoder.input(handlers.decode_again, *decoding, trigger_mode="always_last", **one_by_one)
    return arrival


class ArrivalHandlers:
    """Translate between the picture input and the two stages."""

    def __init__(self, state: AppState) -> None:
        self._state = state

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
        yield _fresh(shown), _fresh(shown), *_buttons(is_recorded=has_recording(example))

    def decode(self, method: str, path: str | None, request: gr.Request) -> Iterator[Any]:
        """Decode the picture, unless there is none, it was refused, or that has been done."""
        visit = self._visit(request)
        is_refused = visit.exploration is None and visit.arrival is not None
        exploration = None if path is None or is_refused else recall(visit, path)
        if exploration is None or exploration.decoded:
            yield gr.skip()
            return
        with clear_errors():
            for value in decode_picture(self._state, exploration, method):
                if visit.exploration is not exploration:
                    return
                yield value.text()

    def decode_again(self, method: str, path: str | None, request: gr.Request) -> Iterator[Any]:
        """Decode the picture by another decoder."""
        if (exploration := self._visit(request).exploration) is not None:
            exploration.decoded = {}
        yield from self.decode(method, path, request)

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
