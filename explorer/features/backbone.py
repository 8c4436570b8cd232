"""The backbone: ResNet-50 with weights that have a name, a digest and a notice for whoever sees its results.

Order of search: a file that the user names; for torchvision's names the torch hub cache (``TORCH_HOME``),
Hugging Face's cache, a download, and at last the compact copy that comes with this repository.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torchvision.models import ResNet50_Weights, resnet50

from explorer.download import DownloadError
from explorer.features.weights import (
    COMPACT,
    COMPACT_NAME,
    EXACT,
    OWN_FILE,
    UNTRAINED,
    WeightsError,
    WeightsFile,
    find_compact,
    find_named,
    identify,
    read_state,
)

UNTRAINED_SEED = 0
MAX_REASON_LENGTH = 120  # Torch lists every parameter that is missing.
ABOUT_COMPACT = (
    f"The compact weights run: layer1 and layer2 are exactly those of {EXACT}, layer3 and layer4 are of a "
    "quantised network close to it."
)


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network and the story of its weights."""

    name: str
    network: nn.Module
    source: str  # What `load_backbone` takes to load the same again: a name, or the path of a file.
    digest: str | None  # The first digits of the SHA-256 of the weights' file; None when there is none.
    categories: tuple[str, ...]
    notice: str | None = None  # What whoever sees results should know of the weights.
    is_fallback: bool = False  # Other weights were asked for.
    architecture: str = "resnet50"  # As torchvision calls the network.


def load_backbone(weights: str = EXACT, tell: Callable[[str], None] = lambda _: None) -> Backbone:
    """Load ResNet-50 by torchvision weight name, by file, ``compact`` or ``untrained``.

    Where IMAGENET1K_V1 can be neither found nor downloaded, the compact copy runs, with `is_fallback` set and
    the reason in `notice`. `tell` hears how far a download is.

    Raises:
        WeightsError: the name is unknown, the file is missing, damaged or of another network, or
            IMAGENET1K_V2 cannot be had.
        BundledFileError: the compact copy is missing or altered.
    """
    if weights == UNTRAINED:
        return _make_untrained()
    if weights in (COMPACT, COMPACT_NAME):
        return _build(find_compact(), COMPACT, notice=ABOUT_COMPACT)
    if weights in ResNet50_Weights.__members__:
        return _load_named(ResNet50_Weights[weights], tell)
    path = Path(weights)
    if path.is_file():
        return _build(identify(path), weights, advice="Name a state dict of torchvision's resnet50.")
    known = ", ".join([*ResNet50_Weights.__members__, COMPACT, UNTRAINED])
    raise WeightsError(f"Unknown weights '{weights}': use {known}, or the path of an existing file.")


def _load_named(weights: ResNet50_Weights, tell: Callable[[str], None]) -> Backbone:
    try:
        found = find_named(weights, tell)
    except DownloadError as error:
        if weights.name != EXACT:
            raise WeightsError(f"{weights.name} is in no cache and cannot be downloaded: {error}.") from error
        notice = f"{ABOUT_COMPACT} The exact ones could not be downloaded ({error}); a restart tries again."
        return _build(find_compact(), COMPACT, notice=notice, is_fallback=True)
    advice = "Delete the file, so that it is downloaded again."
    if found.name == weights.name:
        return _build(found, weights.name, advice=advice)
    if found.name == COMPACT_NAME:
        notice = f"{ABOUT_COMPACT} The weights cache holds them in the exact file's place."
        return _build(found, COMPACT, notice=notice, is_fallback=True, advice=advice)
    notice = f"The cache's file of {weights.name} is not torchvision's; it runs as {OWN_FILE}."
    return _build(found, str(found.path), notice=notice, is_fallback=True, advice=advice)


def _build(
    file: WeightsFile, source: str, *, advice: str = "", notice: str | None = None, is_fallback: bool = False
) -> Backbone:
    """Put a file's weights into a network; `advice` ends the message of an error."""
    network = resnet50()
    try:
        network.load_state_dict(read_state(file.path))
    except WeightsError as error:
        raise WeightsError(f"{error} {advice}") from error
    except RuntimeError as error:
        _, *details = str(error).split("\n\t")
        found = details[0][:MAX_REASON_LENGTH] if details else "no tensors"
        raise WeightsError(
            f"{file.path.name} holds the weights of another network ({found}). {advice}"
        ) from error
    network.eval().requires_grad_(False)
    return Backbone(file.name, network, source, file.digest, _categories(), notice, is_fallback)


def _make_untrained() -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        network = resnet50().eval().requires_grad_(False)
    return Backbone(UNTRAINED, network, UNTRAINED, None, _categories())


def _categories() -> tuple[str, ...]:
    return tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"])
