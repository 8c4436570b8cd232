"""The Live tab: the layers are inverted side by side before the visitor's eyes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from explorer.features.network import Network
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.events import AT_ONCE, TOGETHER
from explorer.ui.components.recordings import has_recording, write_replay
from explorer.ui.queue.following import follow
from explorer.ui.queue.place import describe_left
from explorer.ui.session.app_state import AppState
from explorer.ui.session.live_run import LiveRun
from explorer.ui.session.options import OPTIONS, RunOptions, list_options
from explorer.ui.session.recall import recall
from explorer.ui.stage import build_stage
from explorer.ui.tabs.controls import build_controls, build_start

NOTHING_TO_RESUME = "This run cannot go on any more; press Run to begin anew."


@dataclass(frozen=True, slots=True)
class LiveTab:
    """The tab's components; `controls` in the order of OPTIONS."""

    stage: gr.HTML
    run: gr.Button
    stop: gr.Button
    resume: gr.Button
    replay: gr.Button
    controls: list[Component]
    place: gr.HTML


def build_live(network: Network) -> LiveTab:
    """Lay out the tab."""
    with gr.Row(elem_classes="toolbar", equal_height=True):
        run = gr.Button("Run", variant="primary", elem_id="run", scale=0, min_width=110)
        stop = gr.Button("Stop", elem_id="stop", scale=0, min_width=90)
        resume = gr.Button("Resume", elem_id="resume", scale=0, min_width=100, visible=False)
        replay = gr.Button("Play recorded run", elem_id="recorded", scale=0, min_width=170, visible=False)
        start = build_start()
        place = gr.HTML("", elem_id="place")
    stage = build_stage(
        "live", network.layers, title="What the optimiser digs out, step by step", elem_id="live"
    )
    controls = build_controls(start, list_options(network.layers))
    return LiveTab(stage, run, stop, resume, replay, controls, place)


def wire_live(state: AppState, page: gr.Blocks, tab: LiveTab) -> list[Dependency]:
    """Connect the tab's buttons. Only stage and place change during a run; buttons change at its ends.

    Returns the events after which a visitor has other pictures.
    """
    handlers = LiveHandlers(state, page)
    ends: dict[str, Any] = {"outputs": [tab.run, tab.resume], **AT_ONCE}

    def wire_run(button: gr.Button, run: Callable[..., Any], inputs: list[Component]) -> Dependency:
        begun = button.click(handlers.prepare, **ends)
        ran = begun.then(run, inputs, [tab.stage, tab.place], **TOGETHER)
        ran.failure(handlers.finish, **ends)  # Gradio calls what comes `then` after a success alone.
        return ran.success(handlers.finish, **ends)

    finished = [
        wire_run(tab.run, handlers.run, tab.controls),
        wire_run(tab.resume, handlers.resume, [tab.controls[list(OPTIONS).index("seconds")]]),
    ]
    tab.stop.click(handlers.stop, **AT_ONCE)
    tab.replay.click(handlers.replay, outputs=[tab.stage], **AT_ONCE)
    return finished


class LiveHandlers:
    """Translate between the tab's components and the visitor's run."""

    def __init__(self, state: AppState, page: gr.Blocks) -> None:
        self._state = state
        self._page = page
        self._options = list_options(state.network.layers)

    def prepare(self) -> tuple[Any, ...]:
        """Let Stop take the place of Run, and hide what belongs to the run before."""
        return gr.update(interactive=False), gr.update(visible=False)

    async def run(
        self,
        request: gr.Request,
        *chosen: Any,  # noqa: ANN401 - of each option's own type
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Queue a new run up and show its place and its progress."""
        run = await asyncio.to_thread(self._begin, request, chosen)
        async with aclosing(self._follow(run, request)) as updates:
            async for update in updates:
                yield update

    async def resume(self, seconds: float, request: gr.Request) -> AsyncGenerator[tuple[Any, ...], None]:
        """Let the run go on."""
        exploration = self._state.visit(request).exploration
        run = exploration and exploration.run
        if run is None or not run.can_resume:
            raise gr.Error(NOTHING_TO_RESUME, print_exception=False)
        with clear_errors():
            run.resume(RunOptions.check("seconds", seconds))
        async with aclosing(self._follow(run, request)) as updates:
            async for update in updates:
                yield update

    def stop(self, request: gr.Request) -> None:
        """Stop the run, also one that still waits; its end gives Run back."""
        self._state.visit(request).stop()
        self._state.queue.hurry()

    def finish(self, request: gr.Request) -> tuple[Any, ...]:
        """Offer what can be done after a run."""
        exploration = self._state.visit(request).exploration
        run = exploration and exploration.run
        return gr.update(interactive=True), gr.update(visible=run is not None and run.can_resume)

    def replay(self, request: gr.Request) -> str | dict[str, Any]:
        """Show the example's recorded run in place of the visitor's own."""
        exploration = self._state.visit(request).exploration
        if exploration is None or not has_recording(exploration.example, self._state.network):
            return gr.skip()
        exploration.end_run()
        exploration.run = None
        return write_replay(exploration.example)

    def _begin(self, request: gr.Request, chosen: tuple[Any, ...]) -> LiveRun:
        exploration = recall(self._state.visit(request))
        with clear_errors():
            options = RunOptions.from_controls(chosen, self._options)
            run = LiveRun(self._state.lab, exploration.given, options)
        exploration.begin(run)
        self._state.visits.make_room()
        return run

    async def _follow(self, run: LiveRun, request: gr.Request) -> AsyncGenerator[tuple[Any, ...], None]:
        """Yield values of stage and place until the run is over or another one has taken the stage."""
        visit = self._state.visit(request)
        async with aclosing(follow(self._state.queue, self._page, run, request)) as updates:
            async for frame, place in updates:
                if visit.exploration is None or visit.exploration.run is not run:
                    return
                shown = gr.skip()
                if frame is not None:
                    shown = (await asyncio.to_thread(run.show, frame)).text()
                yield shown, place or describe_left(run.seconds_left())
        yield gr.skip(), ""
