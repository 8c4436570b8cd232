"""The Explore tab's events: which control asks for what."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.events import Dependency

from explorer.ui.components.events import AT_ONCE, TOGETHER, one_at_a_time, save_on_click
from explorer.ui.exploring.handlers import ExploreHandlers
from explorer.ui.session.app_state import AppState
from explorer.ui.tabs.explore import FIRST, ExploreTab


def wire_explore(
    state: AppState, page: gr.Blocks, opened: gr.Tab, tab: ExploreTab, arrivals: Sequence[Dependency]
) -> None:
    """Connect the tab: every control shows its first picture, Measure all there is, Export a zip."""
    handlers = ExploreHandlers(state, page, tab)
    inputs = tab.question()
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
    # Files are sent once; later events find them with the visit.
    first.append(tab.own_second.change(handlers.lay_second, [tab.own_second], **TOGETHER))
    first += [control.change(handlers.lay_weights, [control], **TOGETHER) for control in tab.weights()]
    for event in first:
        event.then(handlers.preview, inputs, shown, **once)
    plain = [control for control in tab.all_controls() if not isinstance(control, gr.Dropdown)]
    gr.on([_on_change(control) for control in (tab.second, *plain)], handlers.preview, inputs, shown, **once)
    opened.select(handlers.open_experiments, inputs, shown, **once)
    for arrival in arrivals:
        arrival.success(handlers.renew_experiment, inputs, [*shown, tab.second], **once)
    # Asked anew while one is measured, the new one takes its place.
    tab.run.click(handlers.measure_experiment, inputs, shown, trigger_mode="multiple", **TOGETHER)
    tab.stop.click(handlers.stop_experiment, **AT_ONCE)
    save_on_click(tab.export, handlers.pack_experiment)


def _on_change(control: Any) -> Callable[..., Dependency]:  # noqa: ANN401 - components share no type for it
    """Choose the event of a visitor's change, where there is one apart from the program's."""
    return getattr(control, "input", None) or control.change
