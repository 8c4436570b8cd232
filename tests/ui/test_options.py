"""One table of options: the controls, the links and the settings read the same entries."""

from dataclasses import fields

import gradio as gr
import pytest

from explorer.features.layers import LAYERS
from explorer.inversion.settings import SettingsError, load_settings
from explorer.ui.session.options import OPTIONS, RunOptions
from explorer.ui.tabs.controls import build_controls, build_start

DEFAULTS = [option.default for option in OPTIONS.values()]


def choose(**changes: object) -> RunOptions:
    return RunOptions.from_controls(list({**dict(zip(OPTIONS, DEFAULTS, strict=True)), **changes}.values()))


def test_a_runs_options_are_those_of_the_table_in_its_order() -> None:
    assert [entry.name for entry in fields(RunOptions)] == list(OPTIONS)
    assert choose() == RunOptions()


def test_the_page_has_a_control_for_each_option_in_its_order() -> None:
    with gr.Blocks():
        controls = build_controls(build_start(), OPTIONS)
    assert [control.elem_id for control in controls] == list(OPTIONS)
    assert RunOptions.from_controls([control.value for control in controls]) == RunOptions()  # type: ignore[attr-defined]


def test_a_number_left_empty_keeps_its_default() -> None:
    assert choose(seed=None).seed == 0


def test_layers_come_in_their_own_order() -> None:
    assert choose(layers=["layer3", "layer1"]).layers == ("layer1", "layer3")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 10**9),
        ("steps", "${oc.env:HOME}"),
        ("seconds", float("nan")),
        ("seconds", True),
        ("seed", -1),
        ("prior", 3.0),
        ("prior", "as tuned"),
        ("start", "nowhere"),
        ("optimiser", ["lbfgs"]),
        ("layers", ["layer9"]),
        ("layers", "layer1"),
        ("layers", [["layer1"]]),
    ],
)
def test_what_no_control_offers_is_refused_by_the_controls_name(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"^{OPTIONS[name].label} must be"):
        choose(**{name: value})


def test_no_layer_is_refused() -> None:
    with pytest.raises(SettingsError, match="Choose at least one layer"):
        choose(layers=[]).settings()


def test_the_prior_is_a_multiple_of_each_layers_tuned_weight() -> None:
    for start, method in (("noise", "optimiser"), ("decoder", "hybrid")):
        settings = choose(start=start, prior=2.0).settings()
        for layer in LAYERS:
            tuned = load_settings(layer, method).priors
            assert any(tuned.values())
            assert settings[layer].priors == {name: 2 * weight for name, weight in tuned.items()}


def test_untouched_options_need_no_overrides_and_touched_ones_repeat_the_settings() -> None:
    assert choose().overrides("layer3") == []
    chosen = choose(prior=0.5, optimiser="adam")
    weight = load_settings("layer3", "optimiser").priors["total_variation"] / 2
    assert chosen.overrides("layer3") == [
        f"total_variation={weight:g}",
        "optimiser=adam",
        f"learning_rate={chosen.settings()['layer3'].learning_rate:g}",
    ]
