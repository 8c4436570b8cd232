"""The Live tab: four layers are inverted side by side before the visitor's eyes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from explorer.report.plots import history_figure
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.picture_input import read_upload
from explorer.ui.components.recordings import read_recording
from explorer.ui.session.app_state import AppState, Visit
from explorer.ui.session.options import RunOptions
from explorer.ui.session.queue import describe_place
from explorer.ui.session.running import begin, watch
from explorer.ui.stage import build_stage
from explorer.ui.tabs.controls import Controls, build_controls, build_start

# One race at a time: two cores serve one optimiser well and two badly.
RACES = "races"
PLACE_EVERY_SECONDS = 0.5
UNSEEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
AT_ONCE: dict[str, Any] = {"queue": False, **UNSEEN}


@dataclass(frozen=True, slots=True)
class LiveTab:
    """The tab's components."""

    stage: gr.HTML
    run: gr.Button
    stop: gr.Button
    resume: gr.Button
    replay: gr.Button
    controls: Controls
    place: gr.HTML
    plot: gr.Plot


def build_live() -> LiveTab:
    """Lay out the tab."""
    with gr.Row(elem_classes="toolbar", equal_height=True):
        run = gr.Button("Run", variant="primary", elem_id="run", scale=0, min_width=110)
        stop = gr.Button("Stop", elem_id="stop", scale=0, min_width=90)
        resume = gr.Button("Resume", elem_id="resume", scale=0, min_width=100, visible=False)
        replay = gr.Button("Play recorded run", elem_id="recorded", scale=0, min_width=170, visible=False)
        start = build_start()
        place = gr.HTML("", elem_id="place")
    stage = build_stage("live", title="What the optimiser digs out, step by step", elem_id="live")
    controls = build_controls(start)
    plot = gr.Plot(visible=False, elem_id="plot", show_label=False)
    return LiveTab(stage, run, stop, resume, replay, controls, place, plot)


def wire_live(state: AppState, tab: LiveTab, picture: gr.Image) -> None:
    """Connect the tab's buttons.

    Run and Resume join the line at once, outside Gradio's queue, and Stop leaves it: so Stop also works on a
    run that still waits for its turn. Only the stage changes while a race runs; buttons change at its ends.
    """
    handlers = _Handlers(state)
    ends: dict[str, Any] = {"outputs": [tab.run, tab.resume, tab.plot], **AT_ONCE}

    def wire_run(button: gr.Button, run: Callable[..., Iterator[Any]], inputs: list[Component]) -> None:
        wanted = button.click(handlers.want, **ends)
        wanted.then(handlers.follow_line, outputs=[tab.place], concurrency_limit=None, **UNSEEN)
        ran = wanted.then(run, inputs, [tab.stage], concurrency_id=RACES, concurrency_limit=1, **UNSEEN)
        ran.then(handlers.finish, **ends)

    wire_run(tab.run, handlers.run, [picture, *tab.controls.components()])
    wire_run(tab.resume, handlers.resume, [tab.controls.seconds])
    tab.stop.click(handlers.stop, outputs=[tab.run], **AT_ONCE)
    tab.replay.click(handlers.replay, outputs=[tab.stage, tab.plot], **AT_ONCE)


class _Handlers:
    """Translate between the tab's components and the state."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def want(self, request: gr.Request) -> tuple[Any, ...]:
        self._state.queue.join(self._visit(request).session)
        return gr.update(interactive=False), gr.update(visible=False), gr.update(visible=False)

    async def follow_line(self, request: gr.Request) -> AsyncIterator[str]:
        """Tell the visitor's place until the own run begins."""
        queue, session = self._state.queue, self._visit(request).session
        while queue.is_waiting(session):
            yield describe_place(queue.before(session))
            await asyncio.sleep(PLACE_EVERY_SECONDS)
        yield ""

    def run(self, path: str | None, request: gr.Request, *chosen: Any) -> Iterator[Any]:  # noqa: ANN401
        visit, options = self._visit(request), RunOptions.from_controls(chosen)
        with self._state.queue.turn(visit.session) as is_wanted:
            if not is_wanted:
                yield gr.skip()
                return
            if visit.picture is None:
                visit.put(read_upload(path))
            with clear_errors():
                begin(self._state.lab, visit, options)
            yield from self._watch(visit, options.seconds)

    def resume(self, seconds: float, request: gr.Request) -> Iterator[Any]:
        visit = self._visit(request)
        with self._state.queue.turn(visit.session) as is_wanted:
            if not is_wanted:
                yield gr.skip()
                return
            yield from self._watch(visit, seconds)

    def stop(self, request: gr.Request) -> dict[str, Any]:
        visit = self._visit(request)
        self._state.queue.leave(visit.session)
        visit.stop()
        return gr.update(interactive=True)

    def finish(self, request: gr.Request) -> tuple[Any, ...]:
        """Offer what can be done after a run, and draw its figure."""
        visit = self._visit(request)
        can_resume = visit.race is not None and visit.race.can_resume()
        histories = {layer: result.history for layer, result in visit.optimised.items()}
        figure = gr.update(value=history_figure(histories), visible=True) if histories else gr.skip()
        return gr.update(interactive=True), gr.update(visible=can_resume), figure

    def replay(self, request: gr.Request) -> tuple[Any, ...]:
        visit = self._visit(request)
        if not visit.example:
            return gr.skip(), gr.skip()
        visit.drop_race()
        return read_recording(visit.example), gr.update(visible=False)

    def _watch(self, visit: Visit, seconds: float) -> Iterator[str]:
        for value in watch(self._state, visit, seconds):
            yield value.text()

    def _visit(self, request: gr.Request) -> Visit:
        return self._state.visit(request.session_hash)
