"""A network's graph of operations: traced once, then copied up to any of its nodes.

The copies are not yet fast; `trunk` folds and freezes them.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from threading import Lock, get_ident
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.fx.proxy import TraceError
from torchvision.models.feature_extraction import NodePathTracer

from explorer.errors import ExplorerError
from explorer.features.layers import LAYERS, UnknownNodeError


class UntraceableError(ExplorerError):
    """A network that is no fixed graph of operations."""


# Tracing patches `nn.Module` for the whole process and takes that back in the end, so one at a time.
_TRACING = Lock()


@dataclass(frozen=True, slots=True)
class TracedNetwork:
    """A network, weights shared with the one it was traced from, and its graph. Safe to share."""

    network: nn.Module
    graph: fx.Graph
    last_nodes: Mapping[str, fx.Node]  # By module path or operation: the node that gives its output.


@dataclass(frozen=True, slots=True)
class BatchNormStatistics:
    """Running statistics of one BatchNorm layer's input, over the training set."""

    mean: Float[Tensor, "channels"]
    variance: Float[Tensor, "channels"]


def trace(network: nn.Module) -> TracedNetwork:
    """Record what a network does in eval mode, while others may go on using it in theirs.

    Raises:
        UntraceableError: what it does depends on values.
    """
    shadow = copy.deepcopy(network, _list_weights(network)).eval()
    tracer = _OneThreadTracer()
    try:
        with _TRACING:
            graph = tracer.trace(shadow)
    except TraceError as error:
        raise UntraceableError(
            "This network decides by its values what it computes, so it cannot be cut into layers."
        ) from error
    # An assertion keeps all alive that it looks at, also what is cut off.
    for check in graph.find_nodes(op="call_function", target=torch._assert):  # noqa: SLF001 - it has no other name.
        tracer.node_to_qualname.pop(check, None)
        graph.erase_node(check)
    return TracedNetwork(shadow, graph, _last_nodes(tracer.node_to_qualname))


def cut(traced: TracedNetwork, names: tuple[str, ...]) -> fx.GraphModule:
    """Copy the part of a network that computes these nodes, to return their features by name.

    The copy shares the network's weights, until `unshare` gives it its own.

    Raises:
        UnknownNodeError: the network has no such node.
    """
    check_nodes(names, traced.last_nodes)
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    graph.graph_copy(traced.graph, copies)
    graph.output({name: copies[traced.last_nodes[name]] for name in names})
    part = fx.GraphModule(traced.network, graph)
    part.graph.eliminate_dead_code()
    part.delete_all_unused_submodules()
    part.recompile()
    return copy.deepcopy(part, _list_weights(part))


def unshare(graph: nn.Module, traced: TracedNetwork) -> None:
    """Give a copy weights of its own where it still has the network's, so that it can be moved alone."""
    shared = _list_weights(traced.network)
    held: dict[str, Any]
    for module in graph.modules():
        for held in (module._parameters, module._buffers):  # noqa: SLF001 - assigning to the names would not be typed.
            held.update({name: copy.deepcopy(one) for name, one in held.items() if id(one) in shared})


def _list_weights(network: nn.Module) -> dict[int, Any]:
    """List a network's tensors as what a copy of it need not copy."""
    return {id(tensor): tensor for tensor in [*network.parameters(), *network.buffers()]}


def check_nodes(names: tuple[str, ...], known: Mapping[str, fx.Node]) -> None:
    """Raise UnknownNodeError for the first name that is not among the known ones."""
    for name in names:
        if name not in known:
            close = get_close_matches(name, sorted(known), n=3) or LAYERS
            raise UnknownNodeError(f"Unknown layer '{name}'. Did you mean {', '.join(close)}?")


def expose_batchnorm_inputs(graph: fx.GraphModule) -> dict[str, BatchNormStatistics]:
    """Add the BatchNorm inputs to the graph's output; return the statistics each should have.

    A layer that holds none, as where they were folded into other weights, is left out.
    """
    modules = dict(graph.named_modules())
    inputs: dict[str, fx.Node] = {}
    statistics: dict[str, BatchNormStatistics] = {}
    for node in graph.graph.find_nodes(op="call_module"):
        path = str(node.target)
        module = modules[path]
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            assert module.running_var is not None  # The two come together.
            if not module.running_mean.any():  # As made: no mean of a training set is 0 in every channel.
                continue
            inputs[path] = node.args[0]
            statistics[path] = BatchNormStatistics(module.running_mean.clone(), module.running_var.clone())
    (output,) = graph.graph.find_nodes(op="output")
    output.args = ({**output.args[0], **inputs},)
    graph.recompile()
    return statistics


def forbid_inplace(graph: nn.Module) -> None:
    """Keep ReLUs from overwriting an output that a node before them returns."""
    for module in graph.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False


class _OneThreadTracer(NodePathTracer):
    """Records the calls of the thread that made it; those of others, patched as well, go their usual way."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = get_ident()

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:  # noqa: ANN401
        """Record a call of this thread."""
        if get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, fx.Proxy]) -> Any:  # noqa: ANN401
        """Record an access of this thread."""
        if get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def _last_nodes(paths: Mapping[fx.Node, str]) -> dict[str, fx.Node]:
    """Find the node that gives each module, and each operation, its output: the last one below its path."""
    last_nodes = {}
    for node, path in paths.items():
        if node.op not in ("placeholder", "output"):  # The picture itself, which nobody may see.
            parts = path.split(".")
            last_nodes |= {".".join(parts[:depth]): node for depth in range(1, len(parts) + 1)}
    return last_nodes
