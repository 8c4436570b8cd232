"""A network of torchvision and what it offers to be inverted: known before any weights are there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.features.backbone import RESNET50, load_backbone
from explorer.features.graph import TracedNetwork, trace
from explorer.features.layers import LAYERS
from explorer.features.nodes import Shape, name_output, offer_nodes
from explorer.features.weights import UNTRAINED

_RESNET50_SHAPES = ((256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7))


@dataclass(frozen=True, slots=True)
class Network:
    """A network's layers, shallow ones first, by the shape of their features, and the node of its logits.

    A shape is channels x rows x columns, of a picture whose side is SIZE.
    """

    name: str = RESNET50
    maps: Mapping[str, Shape] = field(
        default_factory=lambda: dict(zip(LAYERS, _RESNET50_SHAPES, strict=True))
    )
    output: str = "fc"

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers' names, shallow ones first."""
        return tuple(self.maps)

    @property
    def is_resnet50(self) -> bool:
        """Whether trained decoders and recorded runs, which ship, are of this network."""
        return self.name == RESNET50

    @property
    def title(self) -> str:
        """What people call the network."""
        return "ResNet-50" if self.is_resnet50 else self.name

    @property
    def shapes(self) -> dict[str, str]:
        """The shape of every layer's features, as text."""
        return {layer: " × ".join(map(str, shape)) for layer, shape in self.maps.items()}


RESNET50_NETWORK = Network()


def survey(name: str, traced: TracedNetwork | None = None) -> Network:
    """Look up what a network of torchvision offers, whatever its weights; ResNet-50 needs no look.

    Raises:
        WeightsError: there is no such network.
    """
    if name == RESNET50:
        return RESNET50_NETWORK
    traced = traced or trace(load_backbone(UNTRAINED, architecture=name).network)
    return Network(name, offer_nodes(traced), name_output(traced))
