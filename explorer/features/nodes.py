"""Nodes that a network itself offers: its residual blocks, and its last map at each resolution."""

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torchvision.models.resnet import BasicBlock, Bottleneck

from explorer.features.graph import TracedNetwork
from explorer.features.layers import LAYERS
from explorer.images import SIZE

Shape = tuple[int, int, int]  # Channels, rows, columns.

MAX_STRIDE = 32  # Pixels by side below one cell; coarser maps tell little of where things are.
MAX_NODES = 4  # The deepest; as many as ResNet-50 has layers.


def list_blocks(network: nn.Module) -> tuple[str, ...]:
    """List the module paths of a network's residual blocks, in the order in which they run."""
    return tuple(
        path for path, module in network.named_modules() if isinstance(module, BasicBlock | Bottleneck)
    )


@torch.no_grad()
def offer_nodes(traced: TracedNetwork) -> dict[str, Shape]:
    """List the last square map of each resolution by name and shape, the deepest four, shallow ones first.

    A network with the four layers of a ResNet offers these. One without maps offers nothing.
    """
    ShapeProp(fx.GraphModule(traced.network, traced.graph)).propagate(torch.zeros(1, 3, SIZE, SIZE))
    if set(LAYERS) <= set(traced.last_nodes):
        return {layer: _shape(traced.last_nodes[layer]) for layer in LAYERS}
    names: dict[fx.Node, str] = {}
    for name, node in traced.last_nodes.items():
        if node not in names or len(name) < len(names[node]):
            names[node] = name
    by_stride: dict[int, fx.Node] = {}
    for node in filter(names.__contains__, traced.graph.nodes):
        shape = getattr(node.meta.get("tensor_meta"), "shape", ())
        if len(shape) == 4 and shape[2] == shape[3] and SIZE % shape[3] == 0:
            by_stride[SIZE // shape[3]] = node
    offered = [by_stride[stride] for stride in sorted(by_stride) if stride <= MAX_STRIDE][-MAX_NODES:]
    return {names[node]: _shape(node) for node in offered}


def name_output(traced: TracedNetwork) -> str:
    """Name the node whose output is the network's: its logits."""
    (output,) = traced.graph.find_nodes(op="output")
    names = [name for name, node in traced.last_nodes.items() if node is output.args[0]]
    return min(names, key=len)


def _shape(node: fx.Node) -> Shape:
    _, channels, rows, columns = node.meta["tensor_meta"].shape
    return channels, rows, columns
