"""The network behind the page: known before its weights are there, so that the page can be laid out."""

from dataclasses import dataclass

import torch

from explorer.errors import ExplorerError
from explorer.features.graph import trace
from explorer.features.layers import LAYERS, join_nodes
from explorer.features.nodes import offer_nodes
from explorer.features.trunk import cut_trunk
from explorer.features.weights import UNTRAINED
from explorer.features.zoo import RESNET50, load_network
from explorer.images import SIZE

WITH_MAPS = "vgg16, convnext_tiny, mobilenet_v3_small or resnet18"
NO_TRAINED_DECODERS = (
    "No decoder has been trained for {network}: linear ones, fitted on the examples, stand in."
)


class BackboneError(ExplorerError):
    """A network that the page cannot show; the message says what can."""


@dataclass(frozen=True, slots=True)
class ServedNetwork:
    """A network of torchvision and the layers of it that the page shows, shallow ones first."""

    name: str = RESNET50
    layers: tuple[str, ...] = LAYERS
    fewest_channels: int = 256  # Of these layers.

    @property
    def is_resnet50(self) -> bool:
        """Whether trained decoders and recorded runs, which ship, are of this network."""
        return self.name == RESNET50

    @property
    def title(self) -> str:
        """What the page calls the network."""
        return "ResNet-50" if self.is_resnet50 else self.name

    @property
    def notice(self) -> str | None:
        """What a visitor should know of the decoders; None where trained ones ship."""
        return None if self.is_resnet50 else NO_TRAINED_DECODERS.format(network=self.title)


DEFAULT_NETWORK = ServedNetwork()


def survey(name: str) -> ServedNetwork:
    """Look up which layers a network of torchvision offers, whatever its weights.

    Raises:
        WeightsError: there is no such network.
        BackboneError: it has no maps to show.
    """
    if name == RESNET50:
        return ServedNetwork()
    traced = trace(load_network(name, UNTRAINED).network)
    layers = offer_nodes(traced)
    if not layers:
        raise BackboneError(
            f"The page shows maps that divide the picture, and {name} has none. Use {WITH_MAPS}, for example."
        )
    with torch.no_grad():
        features = cut_trunk(traced, join_nodes(layers))(torch.zeros(1, 3, SIZE, SIZE))
    return ServedNetwork(name, layers, min(maps.shape[1] for maps in features.values()))
