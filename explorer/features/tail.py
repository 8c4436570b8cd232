"""The rest of a network: from the features at one node to its output, for features that no picture has."""

import copy

from torch import fx, nn
from torch.fx.experimental.optimization import fuse

from explorer.features.graph import TracedNetwork, check_nodes
from explorer.features.layers import UnknownNodeError


def cut_tail(traced: TracedNetwork, node: str) -> nn.Module:
    """Cut off what a traced network does up to one node; the tail takes that node's features.

    Raises:
        UnknownNodeError: the network has no such node, or its output also needs what comes before it.
    """
    check_nodes((node,), traced.last_nodes)
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    graph.output(graph.graph_copy(traced.graph, copies))
    features = copies[traced.last_nodes[node]]
    images, *others = graph.find_nodes(op="placeholder")
    if others:
        raise UnknownNodeError("This network takes more than a picture, so it cannot go on from features.")
    with graph.inserting_before(features):
        features.replace_all_uses_with(graph.placeholder("features"))
    tail = fx.GraphModule(traced.network, graph)
    tail.graph.eliminate_dead_code()
    images = next(entry for entry in tail.graph.find_nodes(op="placeholder") if entry.name == images.name)
    if images.users:
        raise UnknownNodeError(f"The network's output does not depend on '{node}' alone: name a later layer.")
    tail.graph.erase_node(images)
    tail.delete_all_unused_submodules()
    tail.recompile()
    return fuse(copy.deepcopy(tail).eval().requires_grad_(False), inplace=True, no_trace=True)
