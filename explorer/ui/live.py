"""The Live tab: four layers are inverted side by side before the visitor's eyes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.plots import history_figure
from explorer.ui.controls import Controls, RunOptions, build_controls, build_start
from explorer.ui.desk import Desk, Visit
from explorer.ui.errors import clear_errors
from explorer.ui.picture_input import read_upload
from explorer.ui.recordings import read_recording
from explorer.ui.running import begin, watch
from explorer.ui.stage import build_stage

# One race at a time: two cores serve one optimiser well and two badly.
RACES = "races"


@dataclass(frozen=True, slots=True)
class LiveTab:
    """The tab's components."""

    stage: gr.HTML
    run: gr.Button
    stop: gr.Button
    resume: gr.Button
    replay: gr.Button
    controls: Controls
    queue: gr.HTML
    plot: gr.Plot


def build_live() -> LiveTab:
    """Lay out the tab."""
    with gr.Row(elem_classes="toolbar", equal_height=True):
        run = gr.Button("Run", variant="primary", elem_id="run", scale=0, min_width=110)
        stop = gr.Button("Stop", elem_id="stop", scale=0, min_width=90)
        resume = gr.Button("Resume", elem_id="resume", scale=0, min_width=100, visible=False)
        replay = gr.Button("Play recorded run", elem_id="recorded", scale=0, min_width=170, visible=False)
        start = build_start()
        queue = gr.HTML("", elem_id="queue")
    stage = build_stage("live", title="What the optimiser digs out, step by step", elem_id="live")
    controls = build_controls(start)
    plot = gr.Plot(visible=False, elem_id="plot", show_label=False)
    return LiveTab(stage, run, stop, resume, replay, controls, queue, plot)


def wire_live(desk: Desk, tab: LiveTab, picture: gr.Image) -> None:
    """Connect the tab's buttons.

    Run and Resume first note at once, outside the queue, that a run is wanted; Stop withdraws that, so that
    it also works on a run that still waits for its turn.
    """
    handlers = _Handlers(desk)
    outputs = [tab.stage, tab.run, tab.resume, tab.plot]
    shown = {"outputs": outputs, "show_progress": "minimal", "show_progress_on": tab.queue}
    slot = {"concurrency_id": RACES, "concurrency_limit": 1, "api_visibility": "private"}
    at_once = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    chosen = tab.controls.components()
    tab.run.click(handlers.want, **at_once).then(handlers.run, [picture, *chosen], **shown, **slot)
    tab.resume.click(handlers.want, **at_once).then(handlers.resume, [tab.controls.seconds], **shown, **slot)
    tab.stop.click(handlers.stop, **at_once)
    tab.replay.click(handlers.replay, outputs=[tab.stage, tab.plot], **at_once)


class _Handlers:
    """Translate between the tab's components and the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def want(self, request: gr.Request) -> None:
        self._desk.visit(request.session_hash).is_run_wanted = True

    def stop(self, request: gr.Request) -> None:
        self._desk.visit(request.session_hash).stop()

    def replay(self, request: gr.Request) -> tuple[Any, ...]:
        visit = self._desk.visit(request.session_hash)
        if not visit.example:
            return gr.skip(), gr.skip()
        visit.drop_race()
        return read_recording(visit.example), gr.update(visible=False)

    def run(self, path: str | None, request: gr.Request, *chosen: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
        visit = self._desk.visit(request.session_hash)
        options = RunOptions.from_controls(chosen)
        if visit.picture is None:
            visit.put(read_upload(path))
            visit.is_run_wanted = True
        with clear_errors():
            begin(self._desk.lab, visit, options)
        yield from self._watch(visit, options.seconds)

    def resume(self, seconds: float, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        yield from self._watch(self._desk.visit(request.session_hash), seconds)

    def _watch(self, visit: Visit, seconds: float) -> Iterator[tuple[Any, ...]]:
        """Show the run; buttons and the figure change only at its ends."""
        if not visit.is_run_wanted:
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        yield gr.skip(), gr.update(interactive=False), gr.update(visible=False), gr.update(visible=False)
        for value in watch(self._desk, visit, seconds):
            yield value.plain(), gr.skip(), gr.skip(), gr.skip()
        can_resume = visit.race is not None and visit.race.can_resume()
        histories = {layer: result.history for layer, result in visit.optimised.items()}
        figure = gr.update(value=history_figure(histories), visible=True) if histories else gr.skip()
        yield gr.skip(), gr.update(interactive=True), gr.update(visible=can_resume), figure
