"""The backbone: a network of torchvision with weights that have a name, a digest and a notice.

Order of search: a file that the user names; for torchvision's names the torch hub cache (``TORCH_HOME``), for
ResNet-50 Hugging Face's cache, a download, and for ResNet-50 at last the compact copy of this repository.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision.models
from torch import nn
from torchvision.models import ResNet50_Weights, WeightsEnum

from explorer.features.layouts import (
    Layout,
    UnsoundWeightsError,
    check_soundness,
    count_classes,
    fill,
    hash_weights,
    name_classes,
    read_layout,
)
from explorer.features.state import State, WeightsError, read_state
from explorer.features.timm_networks import PRETRAINED, is_of_timm, make_of_timm
from explorer.features.trunk import IMAGENET, Normalisation
from explorer.features.weights import (
    COMPACT,
    COMPACT_NAME,
    DIGEST_LENGTH,
    EXACT,
    OWN_FILE,
    RESNET50,
    UNTRAINED,
    WeightsFile,
    find_compact,
    find_named,
    identify,
    known_names,
    list_weights,
)
from explorer.weight_files import DownloadError

UNTRAINED_SEED = 0
DELETE = "Delete the file, so that it is downloaded again."
ABOUT_COMPACT = (
    f"The compact weights run: layer1 and layer2 are exactly those of {EXACT}, layer3 and layer4 are of a "
    "quantised network close to it."
)
# Torchvision tells of a change to come at whoever builds GoogLeNet or Inception without weights.
warnings.filterwarnings("ignore", "The default weight initialization of", FutureWarning)


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network and the story of its weights."""

    name: str
    network: nn.Module
    source: str  # What `load_backbone` takes to load the same again: a name, or the path of a file.
    digest: str | None  # The first digits of the SHA-256 of the weights' file; None when there is none.
    categories: tuple[str, ...]  # None of them where the weights come without a classifier.
    notice: str | None = None  # What whoever sees results should know of the weights.
    is_fallback: bool = False  # Other weights were asked for.
    architecture: str = RESNET50  # As torchvision calls the network.
    normalisation: Normalisation = IMAGENET
    remarks: tuple[str, ...] = ()  # Of the notice: what stood elsewhere in a file, or was left out of it.

    @property
    def is_trained(self) -> bool:
        """Whether the network has learned to tell pictures apart, so that its opinion counts."""
        return self.digest is not None and bool(self.categories)


def load_backbone(
    weights: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
    *,
    architecture: str = RESNET50,
    read: Callable[[Path], State] = read_state,
) -> Backbone:
    """Load a network by torchvision weight name, by file, or ``untrained``; ResNet-50 also ``compact``.

    Without weights it takes torchvision's first ones for the network. Where ResNet-50's can be neither found
    nor downloaded, the compact copy runs, with `is_fallback` set and the reason in `notice`. `tell` hears how
    far a download is; `read` reads a file that has no name.

    Raises:
        WeightsError: the network or the weights are unknown, cannot be had, or do not fit each other.
        BundledFileError: the compact copy is missing or altered.
    """
    if is_of_timm(architecture):
        return _load_of_timm(architecture, weights or PRETRAINED, read)
    named = list_weights(architecture)
    weights = weights or next(iter(named))
    if weights == UNTRAINED:
        return _build(architecture, None, UNTRAINED)
    if architecture == RESNET50 and weights in (COMPACT, COMPACT_NAME):
        return _build(architecture, find_compact(), COMPACT, notice=ABOUT_COMPACT)
    if weights in named:
        return _load_named(architecture, named[weights], tell)
    if Path(weights).is_file():
        advice = f"Name a state dict of torchvision's {architecture}, or another backbone."
        return _build(architecture, identify(Path(weights), read), weights, advice=advice)
    known = ", ".join(known_names(architecture))
    raise WeightsError(f"Unknown weights '{weights}' of {architecture}: use {known}, or the path of a file.")


def _load_of_timm(architecture: str, weights: str, read: Callable[[Path], State]) -> Backbone:
    """Load a network of timm: its own weights, a file of one's own, or untrained."""
    if weights in (PRETRAINED, UNTRAINED):
        return _build(architecture, None, weights)
    if not Path(weights).is_file():
        raise WeightsError(
            f"Unknown weights '{weights}' of {architecture}: use {PRETRAINED}, {UNTRAINED} or a file."
        )
    advice = f"Name a state dict of {architecture}, or another backbone."
    return _build(architecture, identify(Path(weights), read), weights, advice=advice)


def _load_named(architecture: str, weights: WeightsEnum, tell: Callable[[str], None]) -> Backbone:
    try:
        found = find_named(weights, architecture, tell)
    except DownloadError as error:
        if weights is not ResNet50_Weights[EXACT]:
            raise WeightsError(
                f"The weights {weights.name} of {architecture} are in no cache and cannot be downloaded: "
                f"{error}. Use the untrained network ({UNTRAINED}), or name a file."
            ) from error
        notice = f"{ABOUT_COMPACT} The exact ones could not be downloaded ({error}); a restart tries again."
        return _build(architecture, find_compact(), COMPACT, notice=notice, is_fallback=True)
    if architecture != RESNET50 or found.name == weights.name:
        return _build(architecture, found, weights.name, advice=DELETE)
    if found.name == COMPACT_NAME:
        source, notice = COMPACT, f"{ABOUT_COMPACT} The weights cache holds them in the exact file's place."
    else:
        source = str(found.path)
        notice = f"The cache's file of {weights.name} is not torchvision's; it runs as {OWN_FILE}."
    return _build(architecture, found, source, notice=notice, is_fallback=True, advice=DELETE)


def _build(
    architecture: str,
    file: WeightsFile | None,
    source: str,
    *,
    advice: str = "",
    notice: str | None = None,
    is_fallback: bool = False,
) -> Backbone:
    """Make the network, and put a file's weights into it; `advice` ends the message of an error."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        if is_of_timm(architecture):
            network, normalisation = make_of_timm(architecture, is_pretrained=source == PRETRAINED)
        else:
            network, normalisation = torchvision.models.get_model(architecture, weights=None), IMAGENET
    network.eval().requires_grad_(False)
    classes, remarks, digest = count_classes(network), (), None
    if file is not None:
        layout = _load(network, file, architecture, advice)
        classes, remarks, digest = layout.classes, layout.remarks, file.digest
        notice = " ".join([*([notice] if notice else []), *remarks]) or None
    elif source == PRETRAINED:
        digest = hash_weights(network)[:DIGEST_LENGTH]
    # Of ResNet-50 the weights alone are named, as its reports always were.
    name = UNTRAINED if file is None else file.name
    return Backbone(
        name if architecture == RESNET50 else f"{architecture} {Path(source).name}",
        network,
        source,
        digest,
        name_classes(classes, tuple(ResNet50_Weights[EXACT].meta["categories"])),
        notice,
        is_fallback,
        architecture,
        normalisation,
        remarks,
    )


def _load(network: nn.Module, file: WeightsFile, architecture: str, advice: str) -> Layout:
    """Put a file's weights into a network in eval mode, and tell how they lay there."""
    try:
        state = file.read(file.path)
    except WeightsError as error:
        raise WeightsError(f"{error} {advice}") from error
    try:
        layout = read_layout(state, network)
        fill(network, layout)
        if file.is_own:
            check_soundness(network)
        return layout
    except UnsoundWeightsError as error:
        raise WeightsError(f"{file.path.name} cannot be used: {error}. {advice}") from error
    except WeightsError as error:
        raise WeightsError(
            f"{file.path.name} holds the weights of another network than {architecture} ({error}). {advice}"
        ) from error
