"""Weights by name, read from a file of PyTorch or of safetensors and from nothing else.

No torchvision here: the process that reads strangers' files imports this file, and should start soon.
"""

import logging
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import torch
from safetensors.torch import load_file
from torch import Tensor

from explorer.errors import ExplorerError, echo

OLD_FORMAT = (
    "This is no file of torch.save (PyTorch 1.6 or newer). Save the state dict with it, or as safetensors."
)
COMPRESSED = (
    "The entries of this file are compressed, which torch.save never does. Save the state dict again."
)
OVERLAPPING = "The entries of this file overlap, which torch.save never does. Save the state dict again."

State = dict[str, Tensor]

logger = logging.getLogger(__name__)


class WeightsError(ExplorerError):
    """Weights that cannot be used; the message names what was given and what would work."""


def read_state(path: Path) -> State:
    """Read weights by name from a safetensors file or one of PyTorch's.

    Raises:
        WeightsError: the file is damaged or of another kind.
    """
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except Exception as error:  # Torch's unpickler meets foreign bytes with almost any exception.
        logger.warning("%s cannot be read: %s", path, error)
        raise WeightsError(f"{path.name} is damaged, or no file of weights alone.") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path.name} holds a {type(state).__name__}, not a dict of weights by name.")
    for name, weight in state.items():
        # A name that is no text is not written out: what nests in itself takes for ever.
        if not isinstance(name, str):
            raise WeightsError(f"{path.name} holds a name that is no text, not weights alone.")
        if not isinstance(weight, Tensor):
            raise WeightsError(
                f"{path.name} holds a {type(weight).__name__} by the name {echo(name)}, not weights alone."
            )
    return state


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


def _read_pickle(path: Path) -> object:
    return torch.load(path, map_location="cpu", weights_only=True)
