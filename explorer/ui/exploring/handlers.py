"""What the Explore tab answers: a first picture while a control moves, everything measured on demand."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import gradio as gr

from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import Offer, Result, knobs
from explorer.experiments.measuring import encode
from explorer.files import read_below
from explorer.ui.components.arguments import mistake, one_of, sent_with, text
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.picture_input import read_upload
from explorer.ui.components.uploads import upload_folder
from explorer.ui.explore_stage import show_nothing, show_result
from explorer.ui.exploring.asking import ask, describe_lack, other_than
from explorer.ui.exploring.packing import pack
from explorer.ui.jobs.experiment import ExperimentJob
from explorer.ui.queue.following import follow
from explorer.ui.session.app_state import AppState
from explorer.ui.session.exploring import Explored, Question
from explorer.ui.session.visit import Visit
from explorer.ui.tabs.explore import ExploreTab, describe, list_offers
from explorer.ui.tabs.explore_link import update_of

MORE = "Measure shows curves and numbers."
STOPPING = "Stopping …"
STOPPED = "Stopped: this is what there is so far."
TIME_IS_UP = "Time is up after {} seconds of computing: this is what there is so far."
EXPLORE = "explore"  # As the address calls the tab.
# More than any experiment takes with its defaults on two cores; the machine serves everyone.
EXPERIMENT_SECONDS = 300
NO_LAYER = "Choose at least one layer."
NOTHING_TO_EXPORT = "Choose a picture and an experiment first."


class ExploreHandlers:
    """Translate between the tab's components and experiments."""

    def __init__(self, state: AppState, page: gr.Blocks, tab: ExploreTab) -> None:
        self._state = state
        self._page = page
        self._names = list(tab.groups)
        self._places = {name: list(controls) for name, controls in tab.controls.items()}

    def choose(self, name: str, request: gr.Request) -> tuple[Any, ...]:
        """Show the controls of one experiment, and a second picture if it takes two."""
        one_of("experiment", name, self._names)
        self._state.visit(request).begin_experiment(None)
        groups = [gr.update(visible=one == name) for one in self._names]
        return describe(name), gr.update(visible=EXPERIMENTS[name].pictures == 2), *groups

    def open_experiments(self, request: gr.Request, *given: Any) -> tuple[Any, ...]:  # noqa: ANN401
        """Show the first result when the tab is opened, unless it shows one of this picture already."""
        visit = self._state.visit(request)
        visit.tab = EXPLORE
        is_shown = visit.exploration is not None and visit.exploration.explored is not None
        return (gr.skip(), gr.skip()) if is_shown else self.preview(request, *given)

    def renew_experiment(
        self,
        request: gr.Request,
        name: str,
        layers: list[str],
        second: str,
        *given: Any,  # noqa: ANN401
    ) -> tuple[Any, ...]:
        """Show another picture's first result if the tab is in view; else that comes when it is opened.

        Where the new picture is the second one, too, that becomes another.
        """
        visit = self._state.visit(request)
        own = visit.exploration and visit.exploration.example
        shown = (gr.skip(), gr.skip())
        if visit.tab == EXPLORE:
            shown = self.preview(request, name, layers, second, *given)
        return *shown, other_than(own, second)

    def lay_second(self, path: str | None, request: gr.Request) -> None:
        """Take a second picture of the visitor's own, or give it up."""
        visit = self._state.visit(request)
        visit.second = None  # First, so that an unusable file leaves no earlier one behind its message.
        visit.second = None if path is None else read_upload(path)

    def lay_weights(self, path: str | None, request: gr.Request) -> None:
        """Take weights of the visitor's own, or give them up."""
        with clear_errors():
            if path is not None:
                read_below(upload_folder(), path, 0)  # A regular file, or a refusal.
        self._state.visit(request).weights = path

    def draw(self, name: str) -> Callable[[gr.EventData], list[Any]]:
        """Take a rectangle drawn on the original as an experiment's region, and as its edit if it has one."""

        def take(event: gr.EventData) -> list[Any]:
            drawn = {"region": text("region", sent_with(event, "region")), "edit": "region"}
            offers = list_offers(EXPERIMENTS[name], self._state.network, drawn)
            return [
                update_of(offers[control], drawn[control])
                if control in drawn
                else gr.update(visible=offers[control].knob is not None)
                for control in self._places[name]
            ]

        return take

    def adapt(self, name: str) -> Callable[..., list[Any]]:
        """Offer an experiment's options by what is chosen for the others."""

        def offer(request: gr.Request, *given: Any) -> list[Any]:  # noqa: ANN401
            experiment, question = EXPERIMENTS[name], ask(self._state, self._state.visit(request), *given)
            if question is None or question.name != name or not question.layers or experiment.adapt is None:
                return [gr.skip()] * len(self._places[name])
            lab, picture = self._state.lab, question.pictures[0]
            channels = min(encode(lab, picture, layer).shape[1] for layer in question.layers)
            offers = experiment.adapt(question.options, channels)
            return [_update(offers.get(control)) for control in self._places[name]]

        return offer

    def preview(self, request: gr.Request, *given: Any) -> tuple[Any, ...]:  # noqa: ANN401
        """Answer with the experiment's first result alone, in the place of one that is still measured."""
        visit = self._state.visit(request)
        visit.begin_experiment(None)
        question = ask(self._state, visit, *given)
        if question is None:
            return show_nothing(describe_lack(visit)), ""
        if question.lacks_layers:
            return show_nothing(NO_LAYER), ""
        with clear_errors():
            result = next(question.follow(self._state.lab))
        self._keep(visit, Explored(question, result))
        shown = replace(result, doing=MORE if result.doing else "", progress=1.0)
        return self._show(shown, question), question.code(self._state.lab)

    async def measure_experiment(
        self,
        request: gr.Request,
        *given: Any,  # noqa: ANN401
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Queue the whole experiment up and show every result."""
        visit = self._state.visit(request)
        question = await asyncio.to_thread(ask, self._state, visit, *given)
        if question is None:
            raise mistake(describe_lack(visit))
        if question.lacks_layers:
            raise mistake(NO_LAYER)
        job = ExperimentJob(lambda: question.follow(self._state.lab), EXPERIMENT_SECONDS)
        visit.begin_experiment(job)
        code = question.code(self._state.lab)
        async with aclosing(self._follow(job, question, request)) as results:
            async for result in results:
                yield await asyncio.to_thread(self._show, result, question), code

    def stop_experiment(self, request: gr.Request) -> None:
        """End what is measured after the step at hand; its last result says so."""
        if (job := self._state.visit(request).experiment) is not None:
            job.stop()
            self._state.queue.hurry()

    def pack_experiment(self, request: gr.Request) -> tuple[str, str]:
        """Return a zip's name and its content in base64: the last answer with its figure, report and code."""
        exploration = self._state.visit(request).exploration
        if exploration is None or exploration.explored is None:
            raise mistake(NOTHING_TO_EXPORT)
        explored = exploration.explored
        return f"{explored.question.name}.zip", b64encode(pack(self._state.lab, explored)).decode("ascii")

    async def _follow(
        self, job: ExperimentJob, question: Question, request: gr.Request
    ) -> AsyncGenerator[Result, None]:
        """Yield every result, then why there is no more; nothing once another question takes the stage."""
        visit = self._state.visit(request)
        before = visit.exploration and visit.exploration.explored
        latest, told = before.result if before else Result(()), ""
        async with aclosing(follow(self._state.queue, self._page, job, request)) as updates:
            async for result, place in updates:
                if visit.experiment is not job:
                    return
                if result is not None:
                    latest = result
                    await asyncio.to_thread(self._keep, visit, Explored(question, result))
                doing = STOPPING if job.is_stopping else place or latest.doing
                if result is not None or doing != told:
                    told = doing
                    yield replace(latest, doing=doing)
        if visit.experiment is job:
            visit.experiment = None
            if ending := describe_ending(job):
                yield replace(latest, doing=ending, progress=1.0)

    def _show(self, result: Result, question: Question) -> str:
        takes_region = "region" in knobs(EXPERIMENTS[question.name].options)
        return show_result(result, self._state.network.layers, takes_region=takes_region)

    def _keep(self, visit: Visit, explored: Explored) -> None:
        """Keep an answer, unless another picture has come since it was asked for."""
        exploration = visit.exploration
        if exploration is not None and exploration.given is explored.question.pictures[0]:
            exploration.explored = explored
            self._state.visits.make_room()


def describe_ending(job: ExperimentJob) -> str:
    """Say why an experiment ended before its end; "" for one that is complete."""
    if job.has_run_out:
        return TIME_IS_UP.format(EXPERIMENT_SECONDS)
    return STOPPED if job.is_stopping else ""


def _update(offer: Offer | None) -> dict[str, Any]:
    if offer is None:
        return gr.skip()
    return gr.update(visible=True) if offer.stays and offer.knob else update_of(offer, offer.default)
