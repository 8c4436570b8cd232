"""A new picture arrives: it is shown at once, then decoded; what belonged to the one before goes."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import gradio as gr

from explorer.ui.components.errors import clear_errors
from explorer.ui.components.examples import recognise_example
from explorer.ui.components.picture_input import read_upload
from explorer.ui.components.recordings import has_recording
from explorer.ui.session.app_state import AppState, Arrival, Visit
from explorer.ui.stage import StageValue, still
from explorer.ui.tabs.instant import InstantTab, decode_visit
from explorer.ui.tabs.live import LiveTab

# Decoding is short and must not wait for a race.
DECODING = "decoding"
# Shorter than an error message is shown, longer than a busy machine needs to tell of a file again.
ECHO_SECONDS = 5.0


def wire_arrival(state: AppState, picture: gr.Image, instant: InstantTab, live: LiveTab) -> None:
    """Show every new picture on both stages and decode it; a newer one replaces those that still wait.

    So does another choice of decoder.
    """

    def accept(path: str | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        visit = state.visit(request.session_hash)
        if _is_echo(visit, path):
            yield (gr.skip(),) * len(outputs)
            return
        visit.arrival = None if path is None else Arrival(path, time.monotonic())
        visit.put(None)
        # Cleared first, so that an unusable file leaves no earlier picture behind its error message.
        yield _fresh(), _fresh(), *_buttons(is_recorded=False)
        if path is None:
            return
        given = read_upload(path)
        visit.put(given, recognise_example(given))
        shown = still(given.images)
        yield _fresh(shown), _fresh(shown), *_buttons(is_recorded=has_recording(visit.example))

    def decode(method: str, request: gr.Request) -> Iterator[Any]:
        visit = state.visit(request.session_hash)
        if visit.decoded:
            yield gr.skip()
            return
        with clear_errors():
            for value in decode_visit(state, visit, method):
                yield value.text()

    def decode_again(method: str, request: gr.Request) -> Iterator[Any]:
        state.visit(request.session_hash).decoded = {}
        yield from decode(method, request)

    hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    outputs = [instant.stage, live.stage, live.replay, live.resume, live.plot]
    arrival = picture.change(
        accept, [picture], outputs, trigger_mode="always_last", concurrency_limit=None, **hidden
    )
    decoding: dict[str, Any] = {"concurrency_id": DECODING, "concurrency_limit": 1, **hidden}
    arrival.success(decode, [instant.decoder], [instant.stage], **decoding)
    instant.decoder.input(
        decode_again, [instant.decoder], [instant.stage], trigger_mode="always_last", **decoding
    )


def _is_echo(visit: Visit, path: str | None) -> bool:
    """Whether Gradio tells of the same file twice, as it does when one file replaces another."""
    last = visit.arrival
    return last is not None and last.path == path and time.monotonic() - last.seconds < ECHO_SECONDS


def _fresh(original: str = "") -> str:
    return StageValue(uuid4().hex, original).text()


def _buttons(*, is_recorded: bool) -> tuple[Any, ...]:
    """Offer the recorded run if there is one; there is nothing to resume, and no figure yet."""
    return gr.update(visible=is_recorded), gr.update(visible=False), gr.update(visible=False)
