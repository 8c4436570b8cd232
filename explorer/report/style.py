"""The one look that each layer has everywhere: colour, dash and marker, so that colour alone never tells."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.features.layers import LAYERS, split_nodes

# Greys can be read on a light and on a dark page.
GREY = "#808080"


@dataclass(frozen=True, slots=True)
class LayerStyle:
    """How a layer is drawn; dash and marker repeat what the colour says."""

    colour: str
    dash: tuple[int, ...]  # Lengths of strokes and gaps in pixels; none is a whole line.
    marker: str


# By depth, shallow first: as many as a network offers layers. Four of the colours that Okabe & Ito (2008)
# chose to be told apart by colour-blind readers; these also keep a contrast of about 3:1 or more on white and
# on near-black.
STYLES = (
    LayerStyle("#0072B2", (), "circle"),
    LayerStyle("#D55E00", (8, 4), "square"),
    LayerStyle("#009E73", (3, 3), "diamond"),
    LayerStyle("#CC79A7", (10, 3, 2, 3), "triangle-up"),
)
# Nodes of the stem, the head, and joint nodes of several stages.
OTHER_STYLE = LayerStyle(GREY, (12, 4), "x")


def layer_style(nodes: str, layers: Sequence[str] = LAYERS) -> LayerStyle:
    """Choose the look of a layer, a node inside it, or a joint set of nodes inside it.

    `layers` are those that the network offers, shallow ones first.
    """
    found = {_find_layer(node, layers) for node in split_nodes(nodes)}
    layer = found.pop()
    return OTHER_STYLE if found or layer is None else STYLES[layers.index(layer)]


def css_variable(layer: str) -> str:
    """Name the variable of style sheets that holds a layer's colour, such as --layer1 or --features-29."""
    return f"--{layer.replace('.', '-')}"


def _find_layer(node: str, layers: Sequence[str]) -> str | None:
    """Find the layer that a node is, or is inside; a root that holds several layers says nothing."""
    root = node.split(".")[0]
    holds_others = any(layer.startswith(f"{root}.") for layer in layers)
    return next(
        (name for name in (node, root) if name in layers and not (name != node and holds_others)), None
    )
