"""The Explore tab in an address: the experiment, and what of its question differs from how it opens.

experiment=surgery&experiment.layers=layer1&experiment.edit=noise
"""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from explorer.examples import EXAMPLES
from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import ExperimentError, Offer, make_options
from explorer.features.network import Network
from explorer.ui.tabs.explore import FIRST, SECOND_EXAMPLE, list_offers, plain_options

NAME, PREFIX = "experiment", "experiment."
LAYERS, SECOND = f"{PREFIX}layers", f"{PREFIX}second"


def write_question(
    network: Network, name: str, layers: Sequence[str], second: str, given: Sequence[Any]
) -> dict[str, str]:
    """Write a question as an address's parameters; `given` are the values of all experiments' controls."""
    values = options_of(name, given)
    usual = {key: offer.default for key, offer in list_offers(EXPERIMENTS[name], network, values).items()}
    query = {}
    if tuple(layers) not in ((), network.layers):
        query[LAYERS] = ",".join(layers)
    if EXPERIMENTS[name].pictures == 2 and second != SECOND_EXAMPLE:
        query[SECOND] = second
    changed = {key: value for key, value in values.items() if value not in (None, "", usual[key])}
    query |= {f"{PREFIX}{key}": _write(value) for key, value in changed.items()}
    return query if name == FIRST else {NAME: name, **query}


def options_of(name: str, given: Sequence[Any]) -> dict[str, Any]:
    """Take one experiment's options from the values of all controls but the files."""
    plain = plain_options()
    names = list(plain)
    start = sum(len(plain[one]) for one in names[: names.index(name)])
    return dict(zip(plain[name], given[start:], strict=False))


def find_nonsense(given: Mapping[str, str], network: Network) -> list[str]:
    """List the parameters of a question that mean nothing."""
    name = given.get(NAME, FIRST)
    asked = [key for key in given if key.startswith(PREFIX)]
    if name not in EXPERIMENTS:
        return [NAME, *asked]
    understood = {LAYERS: _read_layers(given, network), SECOND: given.get(SECOND) in EXAMPLES}
    options = _read_options(name, given)
    return [key for key in asked if not understood.get(key) and key.removeprefix(PREFIX) not in options]


def read_question(given: Mapping[str, str], network: Network) -> list[Any]:
    """Return updates of experiment, layers, second picture and all controls but the files."""
    plain = plain_options()
    nothing = [gr.skip()] * sum(map(len, plain.values()))
    name = given.get(NAME, FIRST)
    if name not in EXPERIMENTS or not any(key.startswith(NAME) for key in given):
        return [gr.skip()] * 3 + nothing
    layers = _read_layers(given, network) or list(network.layers)
    second = given.get(SECOND) if given.get(SECOND) in EXAMPLES else SECOND_EXAMPLE
    values = _read_options(name, given)
    offers = list_offers(EXPERIMENTS[name], network, values)
    chosen = [update_of(offers[key], values.get(key, offers[key].default)) for key in plain[name]]
    start = sum(len(plain[one]) for one in list(plain)[: list(plain).index(name)])
    return [name, layers, second, *nothing[:start], *chosen, *nothing[start + len(chosen) :]]


def update_of(offer: Offer, value: Any) -> dict[str, Any]:  # noqa: ANN401 - of the option's own type
    """Write the change of one control."""
    knob = offer.knob
    if knob is None:
        return gr.update(visible=False)
    if knob.choices:
        return gr.update(value=value, visible=True)
    bounds: dict[str, Any] = {"minimum": knob.low, "maximum": knob.high, "step": knob.step}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return gr.update(value=value, info=knob.help, visible=True, **given)


def _write(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read_layers(given: Mapping[str, str], network: Network) -> list[str]:
    return [layer for layer in network.layers if layer in given.get(LAYERS, "").split(",")]


def _read_options(name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Read what makes sense of an experiment's options."""
    values: dict[str, Any] = {}
    for key in plain_options()[name]:
        if (text := given.get(f"{PREFIX}{key}")) is not None:
            try:
                values[key] = getattr(make_options(EXPERIMENTS[name].options, {key: text}), key)
            except ExperimentError:
                continue
    return values
