"""The controls of a live run."""

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from explorer.features.layers import LAYERS
from explorer.ui.session.options import (
    FROM_NOISE,
    MAX_SECONDS,
    MAX_STEPS,
    OPTIMISERS,
    PRIOR_WEIGHTS,
    STARTS,
    RunOptions,
)


@dataclass(frozen=True, slots=True)
class Controls:
    """The components behind `RunOptions`, in the order of its fields."""

    start: gr.Radio
    steps: gr.Slider
    seconds: gr.Slider
    seed: gr.Number
    prior: gr.Dropdown
    optimiser: gr.Radio
    layers: gr.CheckboxGroup

    def components(self) -> list[Component]:
        """List them for an event's inputs."""
        return [self.start, self.steps, self.seconds, self.seed, self.prior, self.optimiser, self.layers]


def build_start() -> gr.Radio:
    """Lay out the one choice that everybody should see."""
    return gr.Radio(STARTS, value=FROM_NOISE, label="Start from", elem_id="start", container=False)


def build_controls(start: gr.Radio) -> Controls:
    """Lay out the other choices in an accordion."""
    defaults = RunOptions()
    with gr.Accordion("Settings", open=False, elem_classes="advanced"), gr.Row():
        with gr.Column(min_width=240):
            steps = gr.Slider(
                10, MAX_STEPS, defaults.steps, step=10, label="Evaluations per layer",
                info="Passes through the network, forward and backward, after which a layer is done.",
            )  # fmt: skip
            seconds = gr.Slider(
                5, MAX_SECONDS, defaults.seconds, step=5, label="Time for all layers, seconds",
                info="The layers share it fairly; Resume adds as much again.",
            )  # fmt: skip
        with gr.Column(min_width=240):
            prior = gr.Dropdown(
                PRIOR_WEIGHTS, value=defaults.prior, label="Smoothness prior",
                info="Weight of total variation: more means smoother, less detail and less noise.",
            )  # fmt: skip
            optimiser = gr.Radio(
                OPTIMISERS, value=defaults.optimiser, label="Optimiser",
                info="L-BFGS learns the curvature as it goes; Adam follows the slope.",
            )  # fmt: skip
        with gr.Column(min_width=240):
            layers = gr.CheckboxGroup(
                list(LAYERS), value=list(LAYERS), label="Layers",
                info="Fewer layers means more time for each.",
            )  # fmt: skip
            seed = gr.Number(
                defaults.seed, label="Seed", precision=0, minimum=0,
                info="The same seed gives the same noise to start from; layer1 starts from plain grey.",
            )  # fmt: skip
    return Controls(start, steps, seconds, seed, prior, optimiser, layers)
