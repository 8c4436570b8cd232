"""Feature extraction: any named node of a torchvision network as a frozen trunk that stops there.

A trunk takes RGB images in [0, 1], normalises them itself, and computes nothing past its deepest node.
It holds no hooks and no state, so several threads may share one.
"""

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.fx.experimental.optimization import fuse
from torchvision.models.feature_extraction import NodePathTracer

from explorer.features.layers import LAYERS, UnknownNodeError, join_nodes, split_nodes
from explorer.features.onednn import freeze_convolutions
from explorer.images import Images

# Channel statistics every torchvision ImageNet weight set was trained with (torchvision.transforms presets).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
FINGERPRINT_LENGTH = 16

Features = dict[str, Float[Tensor, "batch ..."]]


@dataclass(frozen=True, slots=True)
class BatchNormStatistics:
    """Running statistics of one BatchNorm layer's input, over the training set."""

    mean: Float[Tensor, "channels"]
    variance: Float[Tensor, "channels"]


class Trunk(nn.Module):
    """A frozen network cut at its nodes, from RGB in [0, 1] to features by node name."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        graph: nn.Module,
        nodes: tuple[str, ...],
        fingerprint: str,
        batchnorms: Mapping[str, BatchNormStatistics],
    ) -> None:
        super().__init__()
        self.graph = graph.to(memory_format=torch.channels_last)
        self.nodes = nodes
        self.fingerprint = fingerprint
        self.batchnorms = dict(batchnorms)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        """The type in which features are computed."""
        return next(self.graph.parameters()).dtype  # The first convolution's.

    def cast(self, dtype: torch.dtype) -> "Trunk":
        """Give a copy that computes in this type, or the trunk itself if it does.

        Autocast would convert the weights again at every pass, since they are frozen.
        """
        if dtype == self.dtype:
            return self
        graph = copy.deepcopy(self.graph)
        for module in graph.modules():
            # BatchNorm takes any input; its statistics must stay exact.
            if not any(module.children()) and not isinstance(module, nn.BatchNorm2d):
                module.to(dtype)
        return Trunk(graph, self.nodes, self.fingerprint, self.batchnorms).to(self.mean.device)

    def forward(self, images: Images) -> Features:
        """Compute the features of images in [0, 1] at each node."""
        normalised = (images - self.mean) / self.std
        return self.graph(normalised.to(self.dtype, memory_format=torch.channels_last))


def build_trunk(network: nn.Module, nodes: str, *, batchnorm_inputs: bool = False) -> Trunk:
    """Cut a network at one node, or at several joined by ``+``.

    BatchNorm is folded into the convolution before it wherever nothing else reads that convolution, which is
    exact up to rounding. With ``batchnorm_inputs`` the output also holds the input of every BatchNorm layer,
    under the layer's module path, and ``Trunk.batchnorms`` the running statistics they should have.

    Raises:
        UnknownNodeError: the network has no such node.
    """
    names = split_nodes(nodes)
    graph = _cut(network, names)
    fingerprint = _fingerprint(graph, names)
    batchnorms = _expose_batchnorm_inputs(graph) if batchnorm_inputs else {}
    folded = fuse(graph, inplace=True, no_trace=True)
    _forbid_inplace(folded)
    freeze_convolutions(folded)  # pyright: ignore[reportArgumentType]
    return Trunk(folded, names, fingerprint, batchnorms)


def _cut(network: nn.Module, names: tuple[str, ...]) -> fx.GraphModule:
    """Copy the part of a network that computes these nodes, to return their features by name."""
    tracer = _QuietTracer()
    whole = fx.GraphModule(network, tracer.record(network))
    last_nodes = _last_nodes(tracer.node_to_qualname)
    _check_nodes(names, set(last_nodes))
    (output,) = whole.graph.find_nodes(op="output")
    output.args = ({name: last_nodes[name] for name in names},)
    whole.graph.eliminate_dead_code()
    whole.delete_all_unused_submodules()
    whole.recompile()
    # Training mode folds no BatchNorm; the copy alone leaves it, for others may be using the network.
    return copy.deepcopy(whole).eval()


class _QuietTracer(NodePathTracer):
    """Records a network's graph without disturbing other threads.

    `trace` of torch.fx replaces the call of every module in the process while it runs; here a copy of the
    network, weights shared, reports its own calls.
    """

    def record(self, network: nn.Module) -> fx.Graph:
        """Run a copy of the network in eval mode on a symbol, and return the graph of what it did."""
        weights = {id(tensor): tensor for tensor in [*network.parameters(), *network.buffers()]}
        self.root = copy.deepcopy(network, weights).eval()
        self.graph = fx.Graph(tracer_cls=type(self))
        self.submodule_paths = {module: path for path, module in self.root.named_modules()}
        for module in self.submodule_paths:
            self._report_calls(module)
        result = self.root(self.create_proxy("placeholder", "images", (), {}))
        self.graph.output(self.create_arg(result))
        return self.graph

    def _report_calls(self, module: nn.Module) -> None:
        """Give a module a class of its own whose calls go through `call_module`."""
        kind = type(module)

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            return self.call_module(module, partial(kind.__call__, module), args, kwargs)

        module.__class__ = type(kind.__name__, (kind,), {"__module__": kind.__module__, "__call__": call})


def _last_nodes(paths: Mapping[fx.Node, str]) -> dict[str, fx.Node]:
    """Find the node that gives each module, and each operation, its output: the last one below its path."""
    last_nodes = {}
    for node, path in paths.items():
        if node.op != "placeholder":  # The picture itself, which nobody may see.
            parts = path.split(".")
            last_nodes |= {".".join(parts[:depth]): node for depth in range(1, len(parts) + 1)}
    return last_nodes


def _check_nodes(names: tuple[str, ...], known: set[str]) -> None:
    for name in names:
        if name not in known:
            close = get_close_matches(name, sorted(known), n=3) or LAYERS
            raise UnknownNodeError(f"Unknown layer '{name}'. Did you mean {', '.join(close)}?")


def _fingerprint(graph: fx.GraphModule, names: tuple[str, ...]) -> str:
    """Hash the nodes' names and every weight that they depend on."""
    digest = hashlib.sha256(join_nodes(names).encode())
    for name, tensor in sorted(graph.state_dict().items()):
        if not name.endswith("num_batches_tracked"):  # A training counter: it changes no feature.
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:FINGERPRINT_LENGTH]


def _expose_batchnorm_inputs(graph: fx.GraphModule) -> dict[str, BatchNormStatistics]:
    """Add every BatchNorm input to the graph's output; return the statistics each should have."""
    modules = dict(graph.named_modules())
    inputs: dict[str, fx.Node] = {}
    statistics: dict[str, BatchNormStatistics] = {}
    for node in graph.graph.nodes:
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        if (
            isinstance(module, nn.BatchNorm2d)
            and module.running_mean is not None
            and module.running_var is not None
        ):
            inputs[str(node.target)] = node.args[0]
            statistics[str(node.target)] = BatchNormStatistics(
                module.running_mean.clone(), module.running_var.clone()
            )
    output = next(node for node in graph.graph.nodes if node.op == "output")
    output.args = ({**output.args[0], **inputs},)
    graph.recompile()
    return statistics


def _forbid_inplace(graph: nn.Module) -> None:
    """Keep ReLUs from overwriting an output that a node before them returns."""
    for module in graph.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
