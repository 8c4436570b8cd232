"""Feature extraction: any named node of a torchvision network as a frozen trunk that stops there.

A trunk takes RGB images in [0, 1], normalises them itself, and computes nothing past its deepest node.
It holds no hooks and no state, so several threads may share one.
"""

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.fx.experimental.optimization import fuse

from explorer.features.convolutions import freeze_convolutions
from explorer.features.graph import (
    BatchNormStatistics,
    TracedNetwork,
    cut,
    expose_batchnorm_inputs,
    forbid_inplace,
    trace,
    unshare,
)
from explorer.features.layers import join_nodes, split_nodes
from explorer.images import Images

# Channel statistics every torchvision ImageNet weight set was trained with (torchvision.transforms presets).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
FINGERPRINT_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What a network takes off the colours of a picture in [0, 1], and divides them by."""

    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


IMAGENET = Normalisation()

Features = dict[str, Float[Tensor, "batch ..."]]


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
        normalisation: Normalisation = IMAGENET,
    ) -> None:
        super().__init__()
        self.graph = graph.to(memory_format=torch.channels_last)
        self.nodes = nodes
        self.fingerprint = fingerprint
        self.batchnorms = dict(batchnorms)
        self.casts = dict[torch.dtype, Trunk]()  # Where this one comes from, in another type.
        self.normalisation = normalisation
        self.register_buffer("mean", torch.tensor(normalisation.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(normalisation.std).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        """The type in which features are computed."""
        return next(self.graph.parameters()).dtype  # The first convolution's.

    def cast(self, dtype: torch.dtype) -> "Trunk":
        """Give a copy that computes in this type, unless the trunk does, or the one that it is a copy of.

        Autocast would convert the weights again at every pass, since they are frozen.
        """
        if dtype == self.dtype:
            return self
        if dtype in self.casts:
            return self.casts[dtype]
        graph = copy.deepcopy(self.graph)
        for module in graph.modules():
            # BatchNorm takes any input; its statistics must stay exact.
            if not any(module.children()) and not isinstance(module, nn.BatchNorm2d):
                module.to(dtype)
        copied = Trunk(graph, self.nodes, self.fingerprint, self.batchnorms, self.normalisation)
        made = copied.to(self.mean.device)
        made.casts[self.dtype] = self
        return made

    def forward(self, images: Images) -> Features:
        """Compute the features of images in [0, 1] at each node, in the trunk's type even in autocast."""
        with torch.autocast(images.device.type, enabled=False):
            normalised = (images - self.mean) / self.std
            return self.graph(normalised.to(self.dtype, memory_format=torch.channels_last))


def build_trunk(network: nn.Module, nodes: str, *, batchnorm_inputs: bool = False) -> Trunk:
    """Trace a network and cut it at one node, or at several joined by ``+``; see `cut_trunk`."""
    return cut_trunk(trace(network), nodes, batchnorm_inputs=batchnorm_inputs)


def cut_trunk(
    traced: TracedNetwork,
    nodes: str,
    *,
    batchnorm_inputs: bool = False,
    normalisation: Normalisation = IMAGENET,
) -> Trunk:
    """Cut a traced network at one node, or at several joined by ``+``.

    BatchNorm is folded into the convolution before it wherever nothing else reads that convolution, which is
    exact up to rounding. With ``batchnorm_inputs`` the output also holds the input of every BatchNorm layer
    whose statistics the weights hold, under its module path, and ``Trunk.batchnorms`` those statistics.

    Raises:
        UnknownNodeError: the network has no such node.
    """
    names = split_nodes(nodes)
    graph = cut(traced, names)
    fingerprint = _fingerprint(graph, names, normalisation)
    batchnorms = expose_batchnorm_inputs(graph) if batchnorm_inputs else {}
    folded = fuse(graph, inplace=True, no_trace=True)
    unshare(folded, traced)
    forbid_inplace(folded)
    freeze_convolutions(folded)  # pyright: ignore[reportArgumentType]
    return Trunk(folded, names, fingerprint, batchnorms, normalisation)


def _fingerprint(graph: fx.GraphModule, names: tuple[str, ...], normalisation: Normalisation) -> str:
    """Hash the nodes' names and every weight that they depend on, and an unusual normalisation."""
    digest = hashlib.sha256(join_nodes(names).encode())
    if normalisation != IMAGENET:
        digest.update(repr(normalisation).encode())
    for name, tensor in sorted(graph.state_dict().items()):
        if not name.endswith("num_batches_tracked"):  # A training counter: it changes no feature.
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:FINGERPRINT_LENGTH]
