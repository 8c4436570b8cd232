"""The figures say what the histories say, in a look that does not depend on colour alone."""

import itertools

import pytest

from explorer.features.layers import LAYERS
from explorer.lab.run import Record
from explorer.report.plots import LAYER_COLOURS, OTHER_STYLE, history_figure, layer_style

HISTORY = tuple(
    Record(
        index=i,
        evaluations=2 * i + 1,
        seconds=i / 10,
        losses={"feature": 0.5**i, "total": 1.0},
        psnr_db=10.0 + i,
    )
    for i in range(30)
)
DARK_PAGE, LIGHT_PAGE = "#0B0F19", "#FFFFFF"


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_each_layer_differs_in_colour_and_dash_and_marker():
    for one, other in itertools.combinations(map(layer_style, LAYERS), 2):
        assert one.colour != other.colour and one.dash != other.dash and one.marker != other.marker


@pytest.mark.parametrize("page", [DARK_PAGE, LIGHT_PAGE])
def test_layer_colours_stand_out_on_light_and_dark_pages(page):
    assert min(contrast(colour, page) for colour in LAYER_COLOURS.values()) > 2.8


def test_nodes_inside_a_stage_look_like_the_stage():
    assert layer_style("layer3.4.conv2") == layer_style("layer3")
    assert layer_style("layer2.0+layer2.1") == layer_style("layer2")
    assert layer_style("layer1+layer3") == layer_style("conv1") == OTHER_STYLE


def test_the_history_figure_holds_every_value_once_per_layer():
    figure = history_figure({"layer1": HISTORY, "layer4": HISTORY[:5]}).to_dict()
    psnr_db, error, deep_psnr_db, deep_error = figure["data"]
    assert list(psnr_db["y"]) == [record.psnr_db for record in HISTORY]
    assert list(error["y"]) == [record.losses["feature"] for record in HISTORY]
    assert list(psnr_db["x"]) == [record.evaluations for record in HISTORY]
    assert len(deep_psnr_db["y"]) == len(deep_error["y"]) == 5
    assert [trace.get("showlegend", True) for trace in figure["data"]] == [True, False, True, False]


def test_the_history_figure_can_run_against_seconds():
    figure = history_figure({"layer1": HISTORY}, against="seconds").to_dict()
    assert list(figure["data"][0]["x"]) == [record.seconds for record in HISTORY]
    assert figure["layout"]["xaxis"]["title"]["text"] == "seconds"
