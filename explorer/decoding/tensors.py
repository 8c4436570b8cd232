"""From a safetensors file to names, shapes and plain bytes. No torch: see `decode`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safetensors import SafetensorError, deserialize

from explorer.errors import ExplorerError


class DamagedError(ExplorerError):
    """A file that is no whole safetensors file."""


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor of a file: `kind` as the format writes it, such as F32, and how many bytes it has."""

    name: str
    kind: str
    shape: Sequence[int]
    nbytes: int


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file's tensors, what it says of itself, and the bytes of all tensors, one after another."""

    tensors: Sequence[Held]
    words: Mapping[str, str]
    content: bytes


def unpack(content: bytes) -> Unpacked:
    """Take a safetensors file apart.

    Raises:
        DamagedError: it is none, or not whole.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        words = json.loads(content[8 : 8 + length]).get("__metadata__") or {}
        # In the order of their names: that of the reader changes from call to call.
        found = [
            (name, held["dtype"], held["shape"], held["data"])
            for name, held in sorted(deserialize(content), key=lambda entry: entry[0])
        ]
    except (SafetensorError, ValueError, AttributeError, KeyError, RecursionError) as error:
        raise DamagedError("This file is damaged.") from error
    tensors = [Held(name, kind, shape, len(data)) for name, kind, shape, data in found]
    return Unpacked(tensors, words, b"".join(data for *_, data in found))
