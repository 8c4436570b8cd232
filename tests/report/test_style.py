"""A layer's look does not depend on colour alone, and its colour stands out on any page."""

import itertools

import pytest

from explorer.features.layers import LAYERS
from explorer.report.style import OTHER_STYLE, STYLES, css_variable, layer_style

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
        assert one.colour != other.colour
        assert one.dash != other.dash
        assert one.marker != other.marker


@pytest.mark.parametrize("page", [DARK_PAGE, LIGHT_PAGE])
def test_layer_colours_stand_out_on_light_and_dark_pages(page):
    assert min(contrast(style.colour, page) for style in STYLES) > 2.8


def test_nodes_inside_a_stage_look_like_the_stage():
    assert layer_style("layer3.4.conv2") == layer_style("layer3")
    assert layer_style("layer2.0+layer2.1") == layer_style("layer2")
    assert layer_style("layer1+layer3") == layer_style("conv1") == OTHER_STYLE


def test_another_networks_layers_look_alike_by_depth() -> None:
    layers = ("features.15", "features.22", "features.29", "avgpool")
    assert [layer_style(layer, layers) for layer in layers] == list(STYLES)
    assert layer_style("features.29.0", layers) == OTHER_STYLE


def test_a_root_that_holds_other_layers_says_nothing_of_the_depth_of_a_node() -> None:
    layers = ("features.4.conv.0", "features")
    assert layer_style("features", layers) == STYLES[1]
    assert layer_style("features.2", layers) == OTHER_STYLE


def test_a_layers_variable_is_a_name_that_style_sheets_take() -> None:
    assert css_variable("layer1") == "--layer1"
    assert css_variable("features.4.conv.0") == "--features-4-conv-0"
