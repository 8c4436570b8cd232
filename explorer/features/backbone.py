"""Backbones: which network, which weights, where they came from, and the visible fallback.

Order of search: a file that the user names, the torch hub cache (``TORCH_HOME``), a download, and at last a
seeded untrained network that says so.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import ResNet50_Weights, resnet50

from explorer.errors import ExplorerError
from explorer.machine import DOWNLOAD_TIMEOUT_SECONDS, hub_file, socket_timeout

UNTRAINED = "untrained"
UNTRAINED_SEED = 0
DIGEST_LENGTH = 8  # As many hexadecimal digits as torchvision puts into its file names.
MAX_REASON_LENGTH = 120  # Torch lists every parameter that is missing.


class WeightsError(ExplorerError):
    """Weights that cannot be used; the message names what was given and what would work."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A ResNet-50 and the story of its weights."""

    name: str
    network: nn.Module
    source: str
    digest: str | None  # The first digits of the weight file's SHA-256; None when there is no file.
    categories: tuple[str, ...]
    notice: str | None = None
    is_fallback: bool = False


def load_backbone(weights: str = "IMAGENET1K_V1") -> Backbone:
    """Load ResNet-50 by torchvision weight name, by file, or ``untrained``.

    A torchvision name whose weights can be neither found nor downloaded yields the untrained network with
    ``is_fallback`` set and a notice for the user.

    Raises:
        WeightsError: the name is unknown, or the file is missing, damaged or of another network.
    """
    if weights == UNTRAINED:
        return _untrained()
    if weights in ResNet50_Weights.__members__:
        return _named(ResNet50_Weights[weights])
    path = Path(weights)
    if path.is_file():
        return _from_file(path, name=path.name, advice="Name a state dict of torchvision's resnet50.")
    known = ", ".join([*ResNet50_Weights.__members__, UNTRAINED])
    raise WeightsError(f"Unknown weights '{weights}': use {known}, or the path of an existing file.")


def _named(weights: ResNet50_Weights) -> Backbone:
    path = hub_file(weights.url)
    if not path.is_file():
        try:
            with socket_timeout(DOWNLOAD_TIMEOUT_SECONDS):
                weights.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:
            return _untrained(missing=weights.name, path=path, reason=str(error))
    return _from_file(path, name=weights.name, advice="Delete the file, so that it is downloaded again.")


def _from_file(path: Path, *, name: str, advice: str) -> Backbone:
    network = resnet50()
    try:
        network.load_state_dict(_read_state(path))
    except WeightsError as error:
        raise WeightsError(f"{error} {advice}") from error
    except RuntimeError as error:
        _, *details = str(error).split("\n\t")
        found = details[0][:MAX_REASON_LENGTH] if details else "no tensors"
        raise WeightsError(f"{path} holds the weights of another network ({found}). {advice}") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:DIGEST_LENGTH]
    return Backbone(name, network.eval().requires_grad_(False), str(path), digest, _categories())


def _read_state(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Torch's unpickler meets foreign bytes with almost any exception.
        raise WeightsError(f"{path} is damaged, or no file of weights alone.") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path} holds a {type(state).__name__}, not a dict of weights by name.")
    return state


def _untrained(missing: str | None = None, path: Path | None = None, reason: str = "") -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        network = resnet50().eval().requires_grad_(False)
    notice = None
    if missing:
        notice = (
            f"The weights {missing} were not found and could not be downloaded ({reason}). "
            "A seeded, untrained ResNet-50 runs instead. "
            f"For the real weights, put their file at {path} or connect to the network."
        )
    return Backbone(
        UNTRAINED, network, f"seed {UNTRAINED_SEED}", None, _categories(), notice, is_fallback=bool(missing)
    )


def _categories() -> tuple[str, ...]:
    return tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"])
