"""What the Explore tab answers: a first picture while a control moves, everything measured on demand."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import gradio as gr

from explorer.examples import EXAMPLES, load_example
from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import Offer, knobs
from explorer.experiments.measuring import encode
from explorer.images import Picture
from explorer.ui.components.arguments import mistake, one_of, sent_with, text
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.picture_input import NO_PICTURE, read_upload
from explorer.ui.explore_stage import show_nothing, show_result
from explorer.ui.exploring.packing import pack
from explorer.ui.jobs.experiment import ExperimentJob
from explorer.ui.queue.following import follow
from explorer.ui.session.app_state import AppState
from explorer.ui.session.exploring import Explored, Question
from explorer.ui.session.options import MAX_SECONDS
from explorer.ui.session.recall import recall
from explorer.ui.tabs.explore import ExploreTab, describe, network_defaults

MORE = "Measure shows curves and numbers."
NOTHING_TO_EXPORT = "Choose a picture and an experiment first."


class ExploreHandlers:
    """Translate between the tab's components and experiments."""

    def __init__(self, state: AppState, page: gr.Blocks, tab: ExploreTab) -> None:
        self._state = state
        self._page = page
        self._names = list(tab.groups)
        self._places = {name: list(controls) for name, controls in tab.controls.items()}

    def choose(self, name: str) -> tuple[Any, ...]:
        """Show the controls of one experiment, and a second picture if it takes two."""
        one_of("experiment", name, self._names)
        groups = [gr.update(visible=one == name) for one in self._names]
        return describe(name), gr.update(visible=EXPERIMENTS[name].pictures == 2), *groups

    def open_experiments(self, path: str | None, request: gr.Request, *given: Any) -> tuple[Any, ...]:  # noqa: ANN401
        """Show the first result when the tab is opened."""
        return *self.preview(path, request, *given), True

    def renew(
        self,
        is_open: bool,
        path: str | None,
        request: gr.Request,
        *given: Any,  # noqa: ANN401
    ) -> tuple[Any, ...]:
        """Show another picture's first result, if the tab has been opened before."""
        return self.preview(path, request, *given) if is_open else (gr.skip(), gr.skip())

    def draw(self, name: str) -> Callable[[gr.EventData], list[Any]]:
        """Take a rectangle drawn on the original as an experiment's region, and as its edit if it has one."""

        def take(event: gr.EventData) -> list[Any]:
            drawn = {"region": text("region", sent_with(event, "region")), "edit": "region"}
            return [drawn.get(control, gr.skip()) for control in self._places[name]]

        return take

    def adapt(self, name: str) -> Callable[..., list[Any]]:
        """Offer an experiment's options by what is chosen for the others."""

        def offer(path: str | None, request: gr.Request, *given: Any) -> list[Any]:  # noqa: ANN401
            experiment, question = EXPERIMENTS[name], self._ask(path, request, *given)
            if question is None or question.name != name or experiment.adapt is None:
                return [gr.skip()] * len(self._places[name])
            lab, picture = self._state.lab, question.pictures[0]
            channels = min(encode(lab, picture, layer).shape[1] for layer in question.layers)
            offers = experiment.adapt(question.options, channels)
            return [_update(offers.get(control)) for control in self._places[name]]

        return offer

    def preview(self, path: str | None, request: gr.Request, *given: Any) -> tuple[Any, ...]:  # noqa: ANN401
        """Answer with the experiment's first result alone."""
        question = self._ask(path, request, *given)
        if question is None:
            return show_nothing(NO_PICTURE), ""
        with clear_errors():
            result = next(question.follow(self._state.lab))
        self._keep(path, request, Explored(question, result))
        shown = replace(result, doing=MORE if result.doing else "", progress=1.0)
        return show_result(shown, self._state.network.layers), question.code(self._state.lab)

    async def measure(
        self,
        path: str | None,
        request: gr.Request,
        *given: Any,  # noqa: ANN401
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Queue the whole experiment up and show every result."""
        question = await asyncio.to_thread(self._ask, path, request, *given)
        if question is None:
            raise mistake(NO_PICTURE)
        code = question.code(self._state.lab)
        job = ExperimentJob(lambda: question.follow(self._state.lab), MAX_SECONDS)
        async with aclosing(follow(self._state.queue, self._page, job, request)) as updates:
            async for result, _ in updates:
                if result is not None:
                    self._keep(path, request, Explored(question, result))
                    layers = self._state.network.layers
                    yield await asyncio.to_thread(show_result, result, layers), code

    def pack_experiment(self, request: gr.Request) -> tuple[str, str]:
        """Return a zip's name and its content in base64: the last answer with its figure, report and code."""
        exploration = self._state.visits.get(request.session_hash).exploration
        if exploration is None or exploration.explored is None:
            raise mistake(NOTHING_TO_EXPORT)
        explored = exploration.explored
        return f"{explored.question.name}.zip", b64encode(pack(self._state.lab, explored)).decode("ascii")

    def _keep(self, path: str | None, request: gr.Request, explored: Explored) -> None:
        recall(self._state.visits.get(request.session_hash), path).explored = explored

    def _ask(
        self,
        path: str | None,
        request: gr.Request,
        name: str,
        layers: list[str],
        second: str,
        own_second: str | None,
        *given: Any,  # noqa: ANN401
    ) -> Question | None:
        """Gather what is asked; None without a picture."""
        visit = self._state.visits.get(request.session_hash)
        one_of("experiment", name, self._names)
        if path is None and visit.exploration is None:
            return None
        exploration = recall(visit, path)
        pictures, examples = [exploration.picture], [exploration.example]
        if EXPERIMENTS[name].pictures == 2:
            pictures.append(_read_second(second, own_second))
            examples.append(None if own_second else second)
        for layer in layers:
            one_of("layer", layer, self._state.network.layers)
        start = sum(len(self._places[one]) for one in self._names[: self._names.index(name)])
        values = dict(zip(knobs(EXPERIMENTS[name].options), given[start:], strict=False))
        filled = {key: value for key, value in values.items() if value not in (None, "")}
        named = {key: name for key, name in network_defaults(self._state.network).items() if key in values}
        options = {**named, **filled}
        return Question(name, pictures, examples, layers or self._state.network.layers, options)


def _update(offer: Offer | None) -> Any:  # noqa: ANN401 - as gr.update
    """Write the change of one control."""
    if offer is None:
        return gr.skip()
    knob = offer.knob
    return gr.update(minimum=knob.low, maximum=knob.high, step=knob.step, value=offer.default, info=knob.help)


def _read_second(example: str, own: str | None) -> Picture:
    return read_upload(own) if own else load_example(one_of("example", example, EXAMPLES))
