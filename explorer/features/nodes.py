"""Nodes that a network itself offers: its residual blocks, and its last map at each resolution."""

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck


def list_blocks(network: nn.Module) -> tuple[str, ...]:
    """List the module paths of a network's residual blocks, in the order in which they run."""
    return tuple(
        path for path, module in network.named_modules() if isinstance(module, BasicBlock | Bottleneck)
    )
