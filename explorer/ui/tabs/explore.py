"""The Explore tab: every experiment of the registry, with controls that follow from its options."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, get_type_hints

import gradio as gr
from gradio.components import Component

from explorer.examples import EXAMPLES
from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import Experiment, Knob, Offer, default_of, knobs
from explorer.features.network import Network
from explorer.features.weights import UNTRAINED
from explorer.ui.components.picture_input import PictureInput
from explorer.ui.components.weights_input import KINDS, WeightsInput
from explorer.ui.explore_stage import build_explore_stage

FIRST = next(iter(EXPERIMENTS))
SECOND_EXAMPLE = "coffee"


@dataclass(frozen=True, slots=True)
class ExploreTab:
    """The tab's components; `controls` are by experiment and option, `groups` by experiment."""

    experiment: gr.Radio
    explanation: gr.HTML
    layers: gr.CheckboxGroup
    pair: gr.Row
    second: gr.Dropdown
    own_second: PictureInput
    controls: Mapping[str, Mapping[str, Component]]
    groups: Mapping[str, gr.Row]
    run: gr.Button
    stop: gr.Button
    export: gr.Button
    stage: gr.HTML
    code: gr.Code

    def all_controls(self) -> list[Component]:
        """List the controls of all experiments but the files, in the registry's order."""
        return [self.controls[name][key] for name, keys in plain_options().items() for key in keys]

    def question(self) -> list[Component]:
        """List the controls that ask a question, in the order of the handlers' arguments."""
        return [self.experiment, self.layers, self.second, *self.all_controls()]

    def weights(self) -> list[WeightsInput]:
        """List the inputs for weights, of which a visit remembers the last."""
        everything = (control for controls in self.controls.values() for control in controls.values())
        return [control for control in everything if isinstance(control, WeightsInput)]


def build_explore(network: Network, *, takes_weights: bool = True) -> ExploreTab:
    """Lay out the tab, with places for weights of one's own if they are taken."""
    choices = [(experiment.question or experiment.title, name) for name, experiment in EXPERIMENTS.items()]
    experiment = gr.Radio(
        choices, value=FIRST, label="Experiment", container=False, elem_id="explore-experiment"
    )
    explanation = gr.HTML(describe(FIRST), elem_id="explore-explanation")
    controls: dict[str, dict[str, Component]] = {}
    groups: dict[str, gr.Row] = {}
    with gr.Row(equal_height=False):
        layers = gr.CheckboxGroup(
            list(network.layers),
            value=list(network.layers),
            label="Layers",
            info="Fewer layers answer sooner.",
            elem_id="explore-layers",
            min_width=240,
        )
        with gr.Row(visible=False, scale=2) as pair:
            second = gr.Dropdown(list(EXAMPLES), value=SECOND_EXAMPLE, label="Second picture", min_width=160)
            own_second = PictureInput(
                type="filepath", image_mode=None, sources=["upload"], buttons=[], height=120,
                label="or your own second picture", alt_text="Your second picture", min_width=160,
            )  # fmt: skip
        for name, entry in EXPERIMENTS.items():
            with gr.Row(visible=name == FIRST, scale=4) as groups[name]:
                controls[name] = _build_controls(entry, network, takes_weights=takes_weights)
    with gr.Row(elem_classes="toolbar", equal_height=True):
        run = gr.Button("Measure", variant="primary", scale=0, min_width=110, elem_id="explore-run")
        stop = gr.Button("Stop", scale=0, min_width=90, elem_id="explore-stop")
        export = gr.Button("Export figure", scale=0, min_width=160, elem_id="explore-export")
    stage = build_explore_stage()
    with gr.Accordion("Copy as Python", open=False):
        code = gr.Code(language="python", interactive=False, show_label=False, elem_id="explore-code")
    return ExploreTab(
        experiment, explanation, layers, pair, second, own_second, controls, groups,
        run, stop, export, stage, code,
    )  # fmt: skip


def describe(name: str) -> str:
    """Write the two sentences that explain an experiment."""
    return f"<p>{escape(EXPERIMENTS[name].explanation)}</p>"


def network_defaults(network: Network) -> dict[str, str]:
    """Give the options that name networks values for this one; those of experiments are for ResNet-50."""
    return (
        {}
        if network.is_resnet50
        else {"networks": f"{network.name}:{UNTRAINED}", "own_network": network.name}
    )


def plain_options() -> dict[str, list[str]]:
    """List every experiment's options but the files, which are sent by themselves."""
    offered = {name: knobs(experiment.options) for name, experiment in EXPERIMENTS.items()}
    return {name: [key for key, knob in own.items() if not knob.is_file] for name, own in offered.items()}


def list_offers(experiment: Experiment[Any], network: Network, chosen: Mapping[str, Any]) -> dict[str, Offer]:
    """List how each option of an experiment is offered when some are chosen; defaults are this network's."""
    usual = {name: default_of(experiment.options, name) for name in knobs(experiment.options)}
    usual |= {name: value for name, value in network_defaults(network).items() if name in usual}
    offers = {name: Offer(knob, usual[name]) for name, knob in knobs(experiment.options).items()}
    if experiment.adapt:
        fewest = min(channels for channels, _, _ in network.maps.values())
        given = {name: value for name, value in chosen.items() if value not in (None, "")}
        offers |= experiment.adapt({**usual, **given}, fewest)
    return offers


def _build_controls(
    experiment: Experiment[Any], network: Network, *, takes_weights: bool
) -> dict[str, Component]:
    kinds, known = get_type_hints(experiment.options), knobs(experiment.options)
    return {
        name: _build_control(
            name, offer.knob or known[name], offer.default, kinds[name], is_seen=offer.knob is not None
        )
        for name, offer in list_offers(experiment, network, {}).items()
        if takes_weights or not known[name].is_file
    }


def _build_control(name: str, knob: Knob, default: Any, kind: Any, *, is_seen: bool) -> Component:  # noqa: ANN401
    """Choose the control that an option's kind and limits ask for."""
    shared: dict[str, Any] = {
        "label": name.capitalize().replace("_", " "),
        "info": knob.help,
        "min_width": 220,
        "visible": is_seen,
    }
    if knob.is_file:
        del shared["info"]  # A file has no place for it.
        shared["label"] += f" ({', '.join(KINDS)})"
        return WeightsInput(file_types=KINDS, height=150, **shared)
    if knob.choices:
        return gr.Dropdown(list(knob.choices), value=default, **shared)
    if knob.low is not None and knob.high is not None and knob.step:
        return gr.Slider(knob.low, knob.high, default, step=knob.step, **shared)
    if kind in (int, float):
        precision = 0 if kind is int else None
        return gr.Number(default, precision=precision, minimum=knob.low, maximum=knob.high, **shared)
    return gr.Textbox("" if default is None else str(default), max_length=knob.length, **shared)
