"""Gradients by operators that ONNX has: what PyTorch computes backwards by operators of its own."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle

aten = torch.ops.aten
POOLING = ([3, 3], [2, 2], [1, 1])  # ResNet's: kernel, stride, padding.


def convolution_backward(
    gradient: Tensor,
    maps: Tensor,
    weight: Tensor,
    bias_sizes: Any,  # noqa: ANN401, ARG001 - the operator's own arguments
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    *rest: Any,  # noqa: ANN401, ARG001
) -> tuple[Tensor, None, None]:
    """Compute the gradient of a frozen convolution's maps, by convolutions alone.

    They are what every runtime computes fastest. A strided one has stride 1 over blocks of pixels, one for
    each step, with a channel for each pixel.

    Raises:
        ValueError: it is not square, or dilated, or leaves pixels of its maps unread.
    """
    (step, other), (margin, *_), (kernel, _) = stride, padding, weight.shape[2:]
    if step == other == 1 and list(dilation) == [1, 1]:
        turned = weight.transpose(0, 1).flip(2, 3)
        return torch.conv2d(gradient, turned, padding=kernel - 1 - margin), None, None
    first = -(-margin // step) * step  # Where the maps begin in the whole blocks that hold them.
    before = first - margin
    blocks = pixel_unshuffle(pad(weight, (before, -(before + kernel) % step) * 2), step)
    turned = blocks.transpose(0, 1).flip(2, 3)
    found = pixel_shuffle(torch.conv2d(gradient, turned, padding=blocks.shape[2] - 1), step)
    height, width = (first + length for length in maps.shape[2:])
    if step != other or list(dilation) != [1, 1] or found.shape[2] < height or found.shape[3] < width:
        raise ValueError(f"No graph for a convolution of stride {stride}, dilation {dilation}.")
    return found[..., first:height, first:width], None, None


def max_pool_backward(
    gradient: Tensor,
    maps: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    *rest: Any,  # noqa: ANN401, ARG001
) -> Tensor:
    """Give each maximum's gradient to the first of its nine places that holds it, by shifted comparisons.

    Raises:
        ValueError: it is not the pooling that this was written for.
    """
    height, width = maps.shape[2:]
    if (list(kernel), list(stride), list(padding)) != POOLING or height % 2 or width % 2:
        raise ValueError(f"No graph for a pooling of kernel {kernel}, stride {stride}, padding {padding}.")
    largest = aten.max_pool2d_with_indices(maps, kernel, stride, padding)[0]
    padded = pad(maps, (1, 1, 1, 1), value=-torch.inf)
    left, phases = gradient, [[torch.zeros(()) for _ in range(2)] for _ in range(2)]
    for row in range(3):
        for column in range(3):
            place = padded[..., row : row + height : 2, column : column + width : 2]
            taken = torch.where(place == largest, left, 0)
            left = left - taken
            shifted = pad(taken, (column // 2, 1 - column // 2, row // 2, 1 - row // 2))
            phases[row % 2][column % 2] = phases[row % 2][column % 2] + shifted
    blocks = torch.stack([phase for pair in phases for phase in pair], dim=2).flatten(1, 2)
    return pixel_shuffle(blocks, 2)[..., 1 : height + 1, 1 : width + 1]


DECOMPOSITIONS: dict[Any, Callable[..., Any]] = {
    aten.convolution_backward.default: convolution_backward,
    aten.max_pool2d_with_indices_backward.default: max_pool_backward,
}
