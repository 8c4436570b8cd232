"""Frozen convolutions for the CPU: weights laid out once for forward and backward, sum and ReLU inside.

PyTorch brings a convolution's weights into oneDNN's layout at every call, which costs more than the
arithmetic where feature maps are small. They keep that layout where oneDNN serves, else are ordinary.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.fx.experimental.optimization import replace_node_module
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle

from explorer.features.onednn import ONE, Layout, Operators, find_operators, is_served

SUMS = (operator.add, operator.iadd, torch.add)
FEW_CHANNELS = 4  # So few, a picture's, leave most of a vector register idle.
NONE = (0, 0)

Maps = Float[Tensor, "batch channels height width"]
Results = Float[Tensor, "batch filters rows columns"]


def freeze_convolutions(graph: fx.GraphModule) -> None:
    """Freeze every convolution; where nobody else reads its sum or its ReLU, it computes these too."""
    modules: dict[str, nn.Module] = dict(graph.named_modules())
    for node in graph.graph.find_nodes(op="call_module"):
        module = modules[str(node.target)]
        if isinstance(module, nn.Conv2d):
            replace_node_module(node, modules, FrozenConvolution(module))
    for node in graph.graph.find_nodes(op="call_module"):
        if isinstance(modules[str(node.target)], FrozenConvolution):
            _take_in(node, modules)
    graph.graph.eliminate_dead_code()
    graph.recompile()


def keep_ordinary(graph: nn.Module) -> None:
    """Let frozen convolutions keep no second layout of their weights: half the memory, a fifth more time."""
    for module in graph.modules():
        if isinstance(module, FrozenConvolution):
            module.is_laid_out = False


def _take_in(convolution: fx.Node, modules: Mapping[str, nn.Module]) -> None:
    """Let a convolution do the work of the ReLU that alone reads it, or of the sum and ReLU."""
    last, addends = _only_reader(convolution), []
    if last is not None and last.target in SUMS:
        addends = [term for term in last.args if term is not convolution]
        last = _only_reader(last)
    if last is not None and last.op == "call_module" and isinstance(modules[str(last.target)], nn.ReLU):
        with last.graph.inserting_before(last):
            arguments = (*convolution.args, *(addends or [None]), True)
            whole = last.graph.call_module(str(convolution.target), arguments)
        last.replace_all_uses_with(whole)


def _only_reader(node: fx.Node) -> fx.Node | None:
    readers = list(node.users)
    return readers[0] if len(readers) == 1 else None


class FrozenConvolution(nn.Module):
    """A convolution that is never trained, then maybe the sum with other maps, then maybe a ReLU."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution
        self.is_laid_out = True
        self._forward, self._backward = Layout(), Layout()

    def computes_as(self, other: "FrozenConvolution") -> bool:
        """Whether another one of the same place in a network has the same weights, to the bit."""
        own, others = self.state_dict(), other.state_dict()
        return own.keys() == others.keys() and all(torch.equal(own[name], others[name]) for name in own)

    def forward(self, maps: Maps, addend: Results | None = None, has_relu: bool = False) -> Results:
        """Convolve, add, rectify."""
        if self.is_laid_out and is_served(maps, self.convolution):
            return _Convolve.apply(maps, addend, has_relu, self)  # pyright: ignore[reportReturnType]
        total = self.convolution(maps) if addend is None else self.convolution(maps) + addend
        return total.relu() if has_relu else total

    def convolve(self, maps: Maps, addend: Results | None, has_relu: bool) -> Results:
        """Compute what `forward` returns, in one pass of oneDNN."""
        weight, bias = self.convolution.weight, self.convolution.bias
        geometry = (_margins(self.convolution), self.convolution.stride, ONE, 1)
        onednn = _operators()
        laid_out = self._forward.get(maps, lambda: onednn.lay_out(weight.to_mkldnn(), *geometry, maps.shape))
        relu = ("relu" if has_relu else "none", [], "")
        if addend is None:
            return onednn.convolve(maps, laid_out, bias, *geometry, *relu)
        return onednn.convolve_and_add(maps, addend, laid_out, bias, *geometry, "add", 1.0, *relu)

    def convolve_back(self, gradient: Results, height: int, width: int) -> Maps:
        """Return the gradient of maps of this size: the transposed convolution."""
        convolution = self.convolution
        if _reads_pixels(convolution):
            offset = _first_pixel(convolution)
            blocks = self._transpose(gradient, lambda: _in_blocks(convolution), NONE, NONE, ONE)
            pixels = pixel_shuffle(blocks, convolution.stride[0])
            return pixels[..., offset : offset + height, offset : offset + width]
        padding, stride = _margins(convolution), convolution.stride
        extra = [
            length - ((short - 1) * step - 2 * margin + kernel)
            for length, short, step, margin, kernel in zip(
                (height, width), gradient.shape[2:], stride, padding, convolution.kernel_size, strict=True
            )
        ]
        return self._transpose(gradient, lambda: convolution.weight, padding, extra, stride)

    def _transpose(
        self,
        gradient: Results,
        make_weight: Callable[[], Tensor],
        padding: Sequence[int],
        extra: Sequence[int],
        stride: Sequence[int],
    ) -> Maps:
        geometry = (padding, extra, stride, ONE, 1)
        onednn = _operators()
        laid_out = self._backward.get(
            gradient, lambda: onednn.lay_out_transposed(make_weight(), *geometry, gradient.shape)
        )
        return onednn.transpose(gradient, laid_out, None, *geometry, "none", [], "")


class _Convolve(Function):
    """The whole of a frozen convolution; only maps and addend have gradients."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        maps: Tensor,
        addend: Tensor | None,
        has_relu: bool,
        module: FrozenConvolution,
    ) -> Tensor:
        """Keep the result, whose zeros are where the ReLU lets no gradient pass."""
        result = module.convolve(maps, addend, has_relu)
        ctx.size, ctx.module = maps.shape[2:], module
        ctx.save_for_backward(*([result] if has_relu else []))
        return result

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,  # noqa: ANN401
        gradient: Tensor,
    ) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Mask the gradient; the addend gets it as it is, the maps by the way back."""
        for result in ctx.saved_tensors:
            gradient = torch.ops.aten.threshold_backward(gradient, result, 0)
        needs_maps, needs_addend, *_ = ctx.needs_input_grad
        maps = ctx.module.convolve_back(gradient, *ctx.size) if needs_maps else None
        return maps, gradient if needs_addend else None, None, None


def _operators() -> Operators:
    operators = find_operators()
    assert operators is not None  # `is_served` has looked.
    return operators


def _margins(convolution: nn.Conv2d) -> tuple[int, ...]:
    return tuple(int(margin) for margin in convolution.padding)


def _reads_pixels(convolution: nn.Conv2d) -> bool:
    """Tell whether the way back is faster over blocks of pixels: a strided convolution of a picture."""
    geometry = convolution.kernel_size, convolution.stride, _margins(convolution)
    if any(vertical != horizontal for vertical, horizontal in geometry):
        return False
    (step, _), (margin, _) = geometry[1:]
    return convolution.in_channels <= FEW_CHANNELS and 1 < step <= margin + 1


def _first_pixel(convolution: nn.Conv2d) -> int:
    """Return where the picture begins in the whole blocks that hold it and its padding."""
    step = convolution.stride[0]
    return -(-_margins(convolution)[0] // step) * step


def _in_blocks(convolution: nn.Conv2d) -> Tensor:
    """Return the weight of the same convolution over blocks of pixels, one a step, as channels."""
    step, kernel = convolution.stride[0], convolution.kernel_size[0]
    before = _first_pixel(convolution) - _margins(convolution)[0]
    after = -(before + kernel) % step
    weight = pad(convolution.weight, (before, after, before, after))
    return pixel_unshuffle(weight, step).contiguous(memory_format=torch.channels_last)
