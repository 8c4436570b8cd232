"""Node names: the four layers, nodes inside them, and sets of nodes that are inverted together."""

from collections.abc import Sequence

from explorer.errors import ExplorerError

LAYERS = ("layer1", "layer2", "layer3", "layer4")
STEM_NODES = ("conv1", "bn1", "relu", "maxpool")  # Before the first layer.
JOINT_SEPARATOR = "+"


class UnknownNodeError(ExplorerError):
    """A node that the network does not have."""


def split_nodes(nodes: str) -> tuple[str, ...]:
    """Split a joint name such as ``layer1+layer3`` into its nodes.

    Raises:
        UnknownNodeError: a member is empty or named twice.
    """
    names = tuple(name.strip() for name in nodes.split(JOINT_SEPARATOR))
    if not all(names) or len(set(names)) < len(names):
        raise UnknownNodeError(f"'{nodes}' is not a set of nodes; write each once, as in layer1+layer3.")
    return names


def join_nodes(names: tuple[str, ...]) -> str:
    """Write several nodes as one joint name, the inverse of `split_nodes`."""
    return JOINT_SEPARATOR.join(names)


def shallowest_stage(nodes: str, layers: Sequence[str] = LAYERS) -> str:
    """Name ResNet-50's layer at about whose depth the shallowest of these nodes lies.

    Args:
        nodes: Nodes of a network, joined by `+`.
        layers: Those that this network offers, shallow ones first; each stands for ResNet-50's at its place.

    Raises:
        UnknownNodeError: a member is empty or named twice.
    """
    return min(_stage(node, layers) for node in split_nodes(nodes))


def _stage(node: str, layers: Sequence[str]) -> str:
    for place, layer in enumerate(layers[: len(LAYERS)]):
        if node == layer or node.startswith(f"{layer}."):
            return LAYERS[place]
    return LAYERS[0] if node.split(".")[0] in STEM_NODES else LAYERS[-1]
