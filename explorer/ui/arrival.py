"""A new picture arrives: it is shown at once, then decoded; what belonged to the one before goes."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from explorer.decoding.square import Crop
from explorer.examples import EXAMPLES, load_example
from explorer.features.recorded import RecordedFeatures
from explorer.images import Picture
from explorer.lab.layer import Source as Given
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.events import TOGETHER, one_at_a_time
from explorer.ui.components.examples import recognise_example
from explorer.ui.components.given import read_given
from explorer.ui.components.recordings import has_recording
from explorer.ui.crop_box import CHOOSABLE
from explorer.ui.cropping import wire_crop
from explorer.ui.session.app_state import AppState
from explorer.ui.session.laying import lay_down
from explorer.ui.session.recall import has_picture, recall
from explorer.ui.session.visit import Arrival, Exploration, Source, Visit
from explorer.ui.stage import begin_stage
from explorer.ui.tabs.instant import (
    BEST,
    InstantTab,
    decode_picture,
    look_again,
    measure_decoded,
    welcome_exploration,
)
from explorer.ui.tabs.live import LiveTab

# Shorter than an error message is shown, longer than a busy machine needs to tell of a file again.
ECHO_SECONDS = 5.0
WELCOME_POLL_SECONDS = 0.2


def wire_arrival(
    state: AppState, page: gr.Blocks, picture: gr.Image, box: gr.HTML, instant: InstantTab, live: LiveTab
) -> tuple[list[Dependency], list[Dependency]]:
    """Show every new picture on both stages and decode it; a newer one replaces those that still wait.

    So does another square of it, or another choice of decoder. Until a picture comes, an example is shown.
    Returns the events after which a visit has another picture, and those after which it has been decoded.
    """
    handlers = ArrivalHandlers(state)
    outputs = [instant.stage, live.stage, live.replay, live.resume, box]
    decoding: dict[str, Any] = {
        "inputs": [instant.decoder], "outputs": [instant.stage], **one_at_a_time("decoding")
    }  # fmt: skip
    arrival = picture.change(handlers.accept, [picture], outputs, trigger_mode="always_last", **TOGETHER)
    # Gradio forgets the last of several pictures when one before it is refused: the input is read anew.
    put_back = arrival.failure(handlers.put_back, [picture], [picture], **TOGETHER)
    after_refusal = put_back.success(handlers.accept, [picture], outputs, **TOGETHER)
    opening = page.load(handlers.welcome, outputs=[*outputs[:3], box], **TOGETHER)
    arrivals = [arrival, after_refusal, opening, wire_crop(state, box, outputs)]
    decoded = [event.success(handlers.decode, trigger_mode="multiple", **decoding) for event in arrivals]
    decoded.append(instant.decoder.input(handlers.decode_again, trigger_mode="always_last", **decoding))
    for event in decoded:
        # Each choice asks for its own figures, also while those of the one before are still measured.
        measured = event.success(
            handlers.measure, outputs=[instant.stage], trigger_mode="multiple", **one_at_a_time("measuring")
        )
        measured.success(
            handlers.look_again,
            outputs=[instant.stage],
            trigger_mode="multiple",
            **one_at_a_time("looking again"),
        )
    return arrivals, decoded


class ArrivalHandlers:
    """Translate between the picture input and the two stages."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    async def welcome(self, request: gr.Request) -> tuple[Any, ...]:
        """Show the decoded example, unless the address names another one or a picture has come."""
        nothing = (gr.skip(),) * 4
        if request.query_params.get("example") in EXAMPLES:
            return nothing
        while not self._state.loading.is_ready:
            await asyncio.sleep(WELCOME_POLL_SECONDS)
        welcome, visit = self._state.loading.welcome, self._state.visit(request)
        if welcome is None or visit.arrival is not None or has_picture(visit):
            return nothing
        exploration, shown = welcome_exploration(self._state, welcome)
        if request.query_params.get("decoder", BEST) != BEST:
            exploration.decoded, shown = None, begin_stage(welcome.given, self._state.network.layers)
        visit.source = Source(exploration.example)
        visit.put(exploration)
        is_recorded = has_recording(exploration.example, self._state.network)
        return (
            shown.text(),
            begin_stage(exploration.given, self._state.network.layers).text(),
            gr.update(visible=is_recorded),
            CHOOSABLE,
        )

    def accept(self, path: str | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Lay down a new picture, features, or none. What stood stays until the new one can be read."""
        visit = self._state.visit(request)
        if _is_at_hand(visit, path) or _is_echo(visit, path):
            yield (gr.skip(),) * 5
            return
        if path is None:
            yield lay_down(self._state, visit, None, None)
            return
        visit.arrival = Arrival(path, time.monotonic())
        crop = visit.find_crop(path)
        given = self._read(path, crop)
        layers = tuple(given.layers) if isinstance(given, RecordedFeatures) else ()
        example = recognise_example(given) if isinstance(given, Picture) else None
        if example and visit.returning and visit.returning.example == example:
            crop = visit.returning.crop  # Of the example itself: its file holds no more than the centre.
            given = load_example(example, crop=crop)
        if example is None:  # Examples are files that all visitors share.
            visit.uploads[Path(path)] += 1
        yield lay_down(self._state, visit, given, Source(example, path, layers, crop))

    def _read(self, path: str, crop: Crop) -> Given:
        """Read a picture, or features that are found to be of this network."""
        given = read_given(path, self._state.network.layers, crop)
        if isinstance(given, RecordedFeatures):
            with clear_errors():
                for layer in given.layers:
                    self._state.lab.at(layer).encode(given)
        return given

    def put_back(self, path: str | None, request: gr.Request) -> Any:  # noqa: ANN401 - a path, or no change
        """Let the picture input show again what stood there before a file that was refused."""
        visit = self._state.visit(request)
        is_refused = visit.arrival is not None and visit.arrival.path == path
        return (visit.source and visit.source.path) if is_refused else gr.skip()

    def decode(self, method: str, request: gr.Request) -> Iterator[Any]:
        """Decode a picture that has just come, unless there is none or that has been done."""
        exploration = self._state.visit(request).exploration
        if exploration is None or exploration.decoded is not None:
            yield gr.skip()
        else:
            yield from self._decode(exploration, method, request)

    def decode_again(self, method: str, request: gr.Request) -> Iterator[Any]:
        """Decode the picture by another decoder."""
        visit = self._state.visit(request)
        if has_picture(visit):
            yield from self._decode(recall(visit), method, request)
        else:
            yield gr.skip()

    def _decode(self, exploration: Exploration, method: str, request: gr.Request) -> Iterator[Any]:
        visit = self._state.visit(request)
        with clear_errors(), self._state.queue.giving_way():
            for value in decode_picture(self._state, exploration, method):
                if visit.exploration is not exploration:
                    return
                yield value.text()

    def measure(self, request: gr.Request) -> str | dict[str, Any]:
        """Measure what has just been decoded."""
        exploration = self._state.visit(request).exploration
        with clear_errors():
            value = exploration and measure_decoded(self._state, exploration)
        return value.text() if value and self._state.visit(request).exploration is exploration else gr.skip()

    def look_again(self, request: gr.Request) -> str | dict[str, Any]:
        """Add what other decoders tell of what has been measured."""
        exploration = self._state.visit(request).exploration
        with clear_errors():
            told = exploration and look_again(self._state, exploration)
        return told if told and self._state.visit(request).exploration is exploration else gr.skip()


def _is_at_hand(visit: Visit, path: str | None) -> bool:
    """Whether this is the picture that lies there; the example that a page opens with has no file."""
    return visit.source is not None and visit.source.path == path


def _is_echo(visit: Visit, path: str | None) -> bool:
    """Whether Gradio tells twice of a file that was refused, as it does when one file replaces another."""
    last = visit.arrival
    return last is not None and last.path == path and time.monotonic() - last.seconds < ECHO_SECONDS
