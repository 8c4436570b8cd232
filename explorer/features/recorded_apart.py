"""Features in a file of a stranger's: taken apart in a process with limits, and judged here."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from explorer.decoding.pool import BUSY, unpack_apart
from explorer.decoding.refusal import ImageError
from explorer.decoding.tensors import Unpacked
from explorer.features.recorded import (
    DAMAGED,
    KEY,
    MAX_NODES,
    TOO_MANY,
    FeaturesError,
    RecordedFeatures,
    check_bounds,
    judge_features,
)

# As safetensors writes them; of others no features are.
KINDS: Mapping[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "BOOL": torch.bool, "U8": torch.uint8,
    "I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64,
}  # fmt: skip


def parse_features_apart(
    content: bytes, name: str, *, layers: Sequence[str] = (), most: int
) -> RecordedFeatures:
    """Read the content, of so many bytes at `most`, of a file of features as `parse_features` does.

    Raises:
        FeaturesError: as there, or all processes stay busy.
    """
    check_bounds(content, name, most)
    try:
        unpacked = unpack_apart(content)
    except ImageError as error:
        raise FeaturesError(BUSY if str(error) == BUSY else DAMAGED.format(name)) from error
    if len(unpacked.tensors) > MAX_NODES:
        raise FeaturesError(TOO_MANY.format(name))
    try:
        tensors, about = _build(unpacked), unpacked.words.get(KEY)
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        raise FeaturesError(DAMAGED.format(name)) from error
    return judge_features(tensors, about, name, layers=layers)


def _build(unpacked: Unpacked) -> dict[str, Tensor]:
    """Lay each tensor out; raises for what does not fit, as whoever takes the process over may send."""
    tensors, place = dict[str, Tensor](), 0
    for held in unpacked.tensors:
        content = bytearray(unpacked.content[place : place + held.nbytes])
        place += held.nbytes
        kind = KINDS[held.kind]
        flat = torch.frombuffer(content, dtype=kind) if content else torch.empty(0, dtype=kind)
        tensors[str(held.name)] = flat.reshape([int(side) for side in held.shape])
    return tensors
