"""Weights as the browser loads them: each once, as small as they are without loss, unfolded to float32 there.

A part is a deflated file of bytes and the entries that say how to unfold them; graphs refer to places in the
unfolded part by ONNX's external data. Product-quantised weights repeat, which deflating makes use of: so they
travel as small as codebooks and indices.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from explorer.decoders.packing import SCALE, pack, unpack

INLINE_BYTES = 1024  # Smaller tensors stay in their graph.
WHOLE = "whole"
KINDS = {torch.int8: "i8", torch.float16: "f16"}

Factored = Mapping[bytes, tuple[Tensor, Tensor]]
Entry = dict[str, int | str]


def digest_of(values: np.ndarray) -> bytes:
    """Hash numbers by their bytes, in float32."""
    return hashlib.sha256(np.ascontiguousarray(values, dtype=np.float32).tobytes()).digest()


def factor_convolutions(network: nn.Module) -> Factored:
    """Tell, of every convolution that BatchNorm is folded into, the kernel and the factor of each channel.

    Weights of the whole, by their digest; the kernel alone is what is small as a file.
    """
    found: dict[bytes, tuple[Tensor, Tensor]] = {}
    children = [child for module in network.modules() for child in _in_order(module)]
    for convolution, norm in children:
        assert norm.running_var is not None
        factor = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        whole = convolution.weight * factor.view(-1, 1, 1, 1)
        found[digest_of(whole.detach().numpy())] = (convolution.weight.detach(), factor.detach())
    return found


@dataclass(slots=True)
class Part:
    """A file of weights: bytes to send, and how to unfold them."""

    content: bytearray = field(default_factory=bytearray)
    entries: list[Entry] = field(default_factory=list)
    length: int = 0  # Of the unfolded part, in numbers.

    def add(self, values: np.ndarray, factored: tuple[Tensor, Tensor] | None) -> int:
        """Keep a tensor and return its place in the unfolded part, in numbers."""
        place, rows = self.length, len(values) if values.ndim else 1
        kind, numbers, scale = _shrink(torch.tensor(values), factored)
        entry: Entry = {"kind": kind, "count": int(values.size), "rows": rows, "at": self._write(numbers)}
        if scale is not None:
            entry["scale"] = self._write(scale.float().flatten().numpy())
        self.entries.append(entry)
        self.length += int(values.size)
        return place

    def deflate(self) -> bytes:
        """Return the file."""
        return gzip.compress(bytes(self.content), 9, mtime=0)

    def _write(self, numbers: np.ndarray) -> int:
        self.content += bytes(-len(self.content) % 4)  # JavaScript reads numbers at whole addresses only.
        self.content += numbers.tobytes()
        return len(self.content) - numbers.nbytes


class Store:
    """Weights of many graphs, each once, in the part of the first graph that has it."""

    def __init__(self, factored: Factored) -> None:
        self.parts: dict[str, Part] = {}
        self._factored = factored
        self._places: dict[bytes, tuple[str, int]] = {}

    def take(self, name: str, graph: onnx.ModelProto) -> list[str]:
        """Move a graph's weights into the store, and name the parts that it needs."""
        used: dict[str, None] = {}
        for tensor in graph.graph.initializer:
            values = numpy_helper.to_array(tensor)
            if values.dtype == np.float32 and values.nbytes >= INLINE_BYTES:
                part, place = self._place(name, values)
                _refer(tensor, part, place, values)
                used[part] = None
        return list(used)

    def _place(self, name: str, values: np.ndarray) -> tuple[str, int]:
        digest = digest_of(values)
        if digest not in self._places:
            part = self.parts.setdefault(name, Part())
            self._places[digest] = name, part.add(values, self._factored.get(digest))
        return self._places[digest]


def _in_order(module: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """List the convolutions of a module, each with the BatchNorm registered after it."""
    return [
        (first, second)
        for first, second in pairwise(module.children())
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d)
    ]


def _shrink(values: Tensor, factored: tuple[Tensor, Tensor] | None) -> tuple[str, np.ndarray, Tensor | None]:
    """Find the smallest kind of number that keeps a tensor to the bit, and the scale of its rows."""
    for eight_bits in (True, False):  # As decoders' files keep them.
        packed = pack({WHOLE: values}, eight_bits=eight_bits)
        if torch.equal(unpack(packed)[WHOLE], values):
            numbers = packed[WHOLE]
            return KINDS[numbers.dtype], numbers.numpy(), packed.get(WHOLE + SCALE)
    if factored is not None and torch.equal(factored[0].half().float(), factored[0]):
        return "f16", factored[0].half().numpy(), factored[1]
    return "f32", values.numpy(), None


def _refer(tensor: onnx.TensorProto, part: str, place: int, values: np.ndarray) -> None:
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    where = {"location": part, "offset": str(place * values.itemsize), "length": str(values.nbytes)}
    del tensor.external_data[:]
    for key, value in where.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
