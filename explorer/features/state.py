"""Weights by name, read from a file of PyTorch or of safetensors and from nothing else.

What else a check-point holds (optimisers, counters, options) is passed over: its classes are never built.
No torchvision here: the process that reads strangers' files imports this file, and should start soon.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, is_zipfile

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from explorer.errors import ExplorerError, echo

OLD_FORMAT = (
    "This is no file of torch.save (PyTorch 1.6 or newer). Save the state dict with it, or as safetensors."
)
COMPRESSED = (
    "The entries of this file are compressed, which torch.save never does. Save the state dict again."
)
OVERLAPPING = "The entries of this file overlap, which torch.save never does. Save the state dict again."
MAX_DEPTH = 4  # Dicts in dicts; check-points have two or three.

State = dict[str, Tensor]

logger = logging.getLogger(__name__)


class WeightsError(ExplorerError):
    """Weights that cannot be used; the message names what was given and what would work."""


def read_state(path: Path) -> State:
    """Read weights by name from a safetensors file or one of PyTorch's, told apart by their content.

    Those of a dict inside the file's have its name before theirs: `state_dict.conv1.weight`.

    Raises:
        WeightsError: the file is damaged or of another kind.
    """
    try:
        state = load_file(path) if is_safetensors(path) else _read_pickle(path)
    except Exception as error:  # Torch's unpickler meets foreign bytes with almost any exception.
        logger.warning("%s cannot be read: %s", path, error)
        raise WeightsError(f"{path.name} is damaged, or no file of weights.") from error
    if not isinstance(state, dict):
        raise WeightsError(
            f"{path.name} holds a {type(state).__name__}, not a dict of weights by name: save the state dict."
        )
    # A name that is no text is not written out: what nests in itself takes for ever.
    if not all(isinstance(name, str) for name in state):
        raise WeightsError(f"{path.name} holds a name that is no text, not weights by name.")
    found = dict(_flatten(state, seen=set()))
    if state and not found:
        held = ", ".join(f"a {type(held).__name__} by the name {echo(name)}" for name, held in state.items())
        raise WeightsError(f"{path.name} holds {held[:200]}, and no weights.")
    return found


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as those of safetensors do: the length of a header, and a brace."""
    with path.open("rb") as file:
        return begins_safetensors(file.read(9))


def begins_safetensors(content: bytes) -> bool:
    """Whether a file's content begins so; no header is longer than 32 bits can say."""
    return content[4:9] == b"\0\0\0\0{" and not content.startswith(b"PK\x03\x04")


def check_archive(path: Path) -> None:
    """Look at a file of torch.save before it is unpickled.

    Raises:
        WeightsError: it could unpack to a multiple of its size, or PyTorch has not written it.
    """
    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
    except (BadZipFile, OSError) as error:
        raise WeightsError(OLD_FORMAT) from error
    if any(entry.compress_type != ZIP_STORED for entry in entries):
        raise WeightsError(COMPRESSED)
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise WeightsError(OVERLAPPING)


class _PassedOver:
    """Stands in for an object of any class that PyTorch does not load: nothing of it is kept or run."""

    def __new__(cls, *_: Any, **__: Any) -> "_PassedOver":  # noqa: ANN401 - whatever the file says
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        pass

    def __setstate__(self, _: Any) -> None:  # noqa: ANN401
        pass

    def __setitem__(self, _: Any, __: Any) -> None:  # noqa: ANN401
        pass

    def append(self, _: Any) -> None:  # noqa: ANN401
        """Take an entry of a list."""

    def extend(self, _: Any) -> None:  # noqa: ANN401
        """Take entries of a list."""


def _read_pickle(path: Path) -> object:
    # Of PyTorch's own classes alone objects are made; those of others, such as options beside the weights,
    # are passed over. What the system's modules offer stays refused by PyTorch.
    foreign = get_unsafe_globals_in_checkpoint(str(path)) if is_zipfile(path) else []
    stand_ins: list[Any] = [(type(name.split(".")[-1], (_PassedOver,), {}), name) for name in foreign]
    # From a file that is open: by its name PyTorch would judge its kind.
    with safe_globals(stand_ins), path.open("rb") as file:
        return torch.load(file, map_location="cpu", weights_only=True)


def _flatten(content: Mapping[Any, Any], seen: set[int], prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor with a text for a name, once, however the dicts lie in each other."""
    seen.add(id(content))
    for name, held in content.items():
        if not isinstance(name, str):
            continue
        if isinstance(held, Tensor):
            yield prefix + name, held.detach()
        elif isinstance(held, dict) and id(held) not in seen and prefix.count(".") < MAX_DEPTH:
            yield from _flatten(held, seen, f"{prefix}{name}.")
