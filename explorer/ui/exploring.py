"""The Explore tab's events: a first picture while a control moves, everything measured on demand."""

import asyncio
import tempfile
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import gradio as gr
from gradio.events import Dependency

from explorer.examples import EXAMPLES, load_example
from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import Offer, knobs
from explorer.experiments.measuring import encode
from explorer.experiments.presentation.folder import write_folder
from explorer.features.layers import LAYERS
from explorer.images import Picture, encode_png
from explorer.ui.components.arguments import mistake, one_of, sent_with, text
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.events import AT_ONCE, TOGETHER, one_at_a_time
from explorer.ui.components.picture_input import NO_PICTURE, read_upload
from explorer.ui.explore_stage import show_nothing, show_result
from explorer.ui.session.app_state import AppState
from explorer.ui.session.experiment_job import ExperimentJob
from explorer.ui.session.exploring import OWN_PICTURES, Explored, Question
from explorer.ui.session.following import follow
from explorer.ui.session.options import MAX_SECONDS
from explorer.ui.session.recall import recall
from explorer.ui.tabs.explore import FIRST, ExploreTab, describe

MORE = "Measure shows curves and numbers."
NOTHING_TO_EXPORT = "Choose a picture and an experiment first."


def wire_explore(
    state: AppState, page: gr.Blocks, opened: gr.Tab, tab: ExploreTab, picture: gr.Image, arrival: Dependency
) -> None:
    """Connect the tab: every control shows its first picture, Measure all there is, Export a zip."""
    handlers = ExploreHandlers(state, page, tab)
    inputs = [picture, tab.experiment, tab.layers, tab.second, tab.own_second, *tab.all_controls()]
    shown = [tab.stage, tab.code]
    once: dict[str, Any] = {"trigger_mode": "always_last", **one_at_a_time("previews")}
    groups = [tab.explanation, tab.pair, *tab.groups.values()]
    chosen = tab.experiment.change(handlers.choose, [tab.experiment], groups, **AT_ONCE)
    adapting = [
        (choice, name)
        for name, controls in tab.controls.items()
        for choice in controls.values()
        if isinstance(choice, gr.Dropdown)
    ]
    first = [chosen]
    # A choice may change what else can be chosen.
    for choice, name in [*adapting, (tab.layers, FIRST)]:
        offered = list(tab.controls[name].values())
        first.append(_on_change(choice)(handlers.adapt(name), inputs, offered, **AT_ONCE))
    for name, controls in tab.controls.items():
        if "region" in controls:
            drawn = tab.stage.region(handlers.draw(name), None, list(controls.values()), **AT_ONCE)  # pyright: ignore[reportAttributeAccessIssue]
            first.append(drawn)
    for event in first:
        event.then(handlers.preview, inputs, shown, **once)
    plain = [control for control in tab.all_controls() if not isinstance(control, gr.Dropdown)]
    for control in (tab.second, tab.own_second, *plain):
        _on_change(control)(handlers.preview, inputs, shown, **once)
    opened.select(handlers.open, inputs, [*shown, tab.is_open], **once)
    arrival.success(handlers.renew, [tab.is_open, *inputs], shown, **once)
    measured = tab.run.click(handlers.measure, inputs, shown, **TOGETHER)
    tab.stop.click(None, cancels=[measured], **AT_ONCE)
    packed = tab.export.click(handlers.pack, None, [tab.file_name, tab.file], **one_at_a_time("packing"))
    # The answer empties the box again.
    save = "(name, packed) => window.explorerSave(name, packed)"
    packed.success(None, [tab.file_name, tab.file], [tab.file], js=save)


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

    def open(self, path: str | None, request: gr.Request, *given: Any) -> tuple[Any, ...]:  # noqa: ANN401
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
        return show_result(shown), question.code(self._state.lab)

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
                    yield await asyncio.to_thread(show_result, result), code

    def pack(self, request: gr.Request) -> tuple[str, str]:
        """Return a zip's name and its content in base64: the last answer with its figure, report and code."""
        exploration = self._state.visits.get(request.session_hash).exploration
        if exploration is None or exploration.explored is None:
            raise mistake(NOTHING_TO_EXPORT)
        explored = exploration.explored
        return f"{explored.question.name}.zip", b64encode(_zip(self._state, explored)).decode("ascii")

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
            one_of("layer", layer, LAYERS)
        start = sum(len(self._places[one]) for one in self._names[: self._names.index(name)])
        values = dict(zip(knobs(EXPERIMENTS[name].options), given[start:], strict=False))
        options = {key: value for key, value in values.items() if value not in (None, "")}
        return Question(name, pictures, examples, layers or LAYERS, options)


def _zip(state: AppState, explored: Explored) -> bytes:
    question, buffer = explored.question, BytesIO()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_folder(folder, state.lab, question.describe(state.lab), explored.result)
        for picture, example, name in zip(question.pictures, question.examples, OWN_PICTURES, strict=False):
            if example is None:
                (folder / name).write_bytes(encode_png(picture.images))
        with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, f"{question.name}/{file.name}")
    return buffer.getvalue()


def _on_change(control: Any) -> Callable[..., Dependency]:  # noqa: ANN401 - components share no type for it
    """Choose the event of a visitor's change, where there is one apart from the program's."""
    return getattr(control, "input", None) or control.change


def _update(offer: Offer | None) -> Any:  # noqa: ANN401 - as gr.update
    """Write the change of one control."""
    if offer is None:
        return gr.skip()
    knob = offer.knob
    return gr.update(minimum=knob.low, maximum=knob.high, step=knob.step, value=offer.default, info=knob.help)


def _read_second(example: str, own: str | None) -> Picture:
    return read_upload(own) if own else load_example(one_of("example", example, EXAMPLES))
