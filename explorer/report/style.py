"""The one look that each layer has everywhere: colour, dash and marker, so that colour alone never tells."""

from dataclasses import dataclass

from explorer.features.layers import LAYERS, split_nodes

# Four of the colours that Okabe & Ito (2008) chose to be told apart by colour-blind readers; these four also
# keep a contrast of about 3:1 or more on white and on near-black.
LAYER_COLOURS = dict(zip(LAYERS, ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=True))
# Lengths of strokes and gaps in pixels; none is a whole line.
_DASHES = dict(zip(LAYERS, ((), (8, 4), (3, 3), (10, 3, 2, 3)), strict=True))
_MARKERS = dict(zip(LAYERS, ("circle", "square", "diamond", "triangle-up"), strict=True))
# Greys can be read on a light and on a dark page.
GREY = "#808080"


@dataclass(frozen=True, slots=True)
class LayerStyle:
    """How a layer is drawn; dash and marker repeat what the colour says."""

    colour: str
    dash: tuple[int, ...]
    marker: str


# Nodes of the stem, the head, and joint nodes of several stages.
OTHER_STYLE = LayerStyle(GREY, (12, 4), "x")


def layer_style(nodes: str) -> LayerStyle:
    """Choose the look of a layer, a node inside it, or a joint set of nodes inside it."""
    stages = {node.strip().split(".")[0] for node in split_nodes(nodes)}
    stage = stages.pop()
    if stages or stage not in LAYER_COLOURS:
        return OTHER_STYLE
    return LayerStyle(LAYER_COLOURS[stage], _DASHES[stage], _MARKERS[stage])
