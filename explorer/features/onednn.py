"""oneDNN's operators for convolutions whose weights are laid out beforehand, and when they serve.

They are private to PyTorch, so a later version may lack one; then convolutions are ordinary ones.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

ONE = (1, 1)

logger = logging.getLogger(__name__)

Operator = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class Operators:
    """A convolution, alone or with a sum, its transpose, and what lays out the weights of each."""

    lay_out: Operator
    convolve: Operator
    convolve_and_add: Operator
    lay_out_transposed: Operator
    transpose: Operator


class Layout:
    """A weight in the layouts that suit the maps it was last asked for, one for each number of threads.

    OneDNN splits the work differently for one thread and for two, and where the layout is that of the other
    it converts the weight at every call, which costs more than the convolution.
    """

    def __init__(self) -> None:
        self._latest: dict[int, tuple[tuple[torch.Size, torch.dtype], Tensor]] = {}

    def get(self, maps: Tensor, lay_out: Callable[[], Tensor]) -> Tensor:
        """Return the weight laid out for maps of this shape and type, and for this thread's cores."""
        threads, key = torch.get_num_threads(), (maps.shape, maps.dtype)
        latest = self._latest.get(threads)  # Other threads may replace it.
        if latest is None or latest[0] != key:
            latest = self._latest[threads] = (key, lay_out())
        return latest[1]

    def __deepcopy__(self, memo: dict[int, object]) -> "Layout":
        """Start empty: the copy's weight may change, and oneDNN's tensors cannot be copied."""
        return Layout()


@cache
def find_operators() -> Operators | None:
    """Look the operators up, once; None, with a warning in the log, where this PyTorch lacks one."""
    try:
        return Operators(
            lay_out=torch.ops.aten.mkldnn_reorder_conv2d_weight,
            convolve=torch.ops.mkldnn._convolution_pointwise,
            convolve_and_add=torch.ops.mkldnn._convolution_pointwise.binary,
            lay_out_transposed=torch.ops.mkldnn._reorder_convolution_transpose_weight,
            transpose=torch.ops.mkldnn._convolution_transpose_pointwise,
        )
    except AttributeError as error:
        logger.warning("Convolutions are PyTorch's ordinary, slower ones on the CPU: %s", error)
        return None


def is_served(maps: Tensor, convolution: nn.Conv2d) -> bool:
    """Whether oneDNN has fast kernels for this type here, and this module can use them."""
    return (
        maps.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")  # It chooses the types, call by call.
        and torch.backends.mkldnn.is_available()
        and torch.backends.mkldnn.enabled  # pyright: ignore[reportAttributeAccessIssue]
        and (maps.dtype == torch.float32 or (maps.dtype == torch.bfloat16 and _has_bfloat16()))
        and maps.dtype == convolution.weight.dtype
        and convolution.groups == 1
        and convolution.dilation == ONE
        and convolution.padding_mode == "zeros"
        and not isinstance(convolution.padding, str)
        and find_operators() is not None
    )


@cache
def _has_bfloat16() -> bool:
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()
