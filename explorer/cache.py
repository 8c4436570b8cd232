"""Tensors that take long to compute, kept on disk from one start to the next, each under a key of its own.

Where the disk refuses they are kept in memory, and a line says so: nothing that was computed is lost. A key
names all that its tensors depend on, so that nothing outdated is ever found.
"""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from explorer.files import replacing

VARIABLE = "EXPLORER_CACHE"

Kept = TypeVar("Kept")

logger = logging.getLogger(__name__)
# What no disk has taken.
_in_memory: dict[str, dict[str, Tensor]] = {}


def cached(key: str, kind: type[Kept], make: Callable[[], Kept]) -> Kept:
    """Return a dataclass of tensors that is kept under a key, or make it and keep it."""
    found = find(key, kind)
    if found is None:
        found = make()
        keep(key, {entry.name: getattr(found, entry.name) for entry in fields(found)})  # pyright: ignore[reportArgumentType]
    return found


def find(key: str, kind: Callable[..., Kept]) -> Kept | None:
    """Return what is kept under a key, made from its tensors by name; None where nothing whole is."""
    try:
        tensors = _in_memory[key] if key in _in_memory else load_file(_path(key))
        return kind(**tensors)
    except (OSError, RuntimeError, SafetensorError, LookupError, TypeError, ValueError):
        return None  # Missing, damaged or of another kind: it can be computed again.


def keep(key: str, tensors: Mapping[str, Tensor]) -> bool:
    """Keep tensors under a key: on disk, or else in memory, which a line tells; return whether on disk."""
    try:
        with replacing(_path(key)) as partial:
            save_file(dict(tensors), partial)
    except (OSError, RuntimeError, SafetensorError) as error:
        _in_memory[key] = dict(tensors)
        logger.warning(
            "What was computed (%s) is kept in memory alone, because the cache cannot be written (%s). "
            "Set %s to a folder that can be.",
            key,
            error,
            VARIABLE,
        )
        return False
    return True


def _path(key: str) -> Path:
    """Name a key's file in ``EXPLORER_CACHE``, or in the user's cache.

    Raises:
        RuntimeError: there is no home folder, nor a variable that names a folder.
    """
    if folder := os.environ.get(VARIABLE):
        return Path(folder) / f"{key}.safetensors"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "resnet-inversion-explorer" / f"{key}.safetensors"
