"""Any classification network of torchvision by name, with its own weights, a file's, or none."""

import warnings
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

import torch
import torchvision.models
from torch import nn
from torchvision.models import WeightsEnum, get_model_weights, list_models

from explorer.download import DownloadError, download, hub_file
from explorer.features.backbone import MAX_REASON_LENGTH, UNTRAINED_SEED, Backbone, load_backbone
from explorer.features.graph import trace
from explorer.features.layers import LAYERS
from explorer.features.nodes import offer_nodes
from explorer.features.weights import (
    COMPACT,
    DIGEST_LENGTH,
    EXACT,
    UNTRAINED,
    WeightsError,
    identify,
    read_state,
)

RESNET50 = "resnet50"
# Torchvision tells of a change to come at whoever builds GoogLeNet or Inception without weights.
warnings.filterwarnings("ignore", "The default weight initialization of", FutureWarning)


def load_network(
    name: str = RESNET50, weights: str | None = None, tell: Callable[[str], None] = lambda _: None
) -> Backbone:
    """Load a torchvision network; without weights it takes torchvision's first ones for it.

    `weights` is a name of torchvision's, a file of a state dict, or `untrained`; `tell` hears of a download.

    Raises:
        WeightsError: the network or the weights are unknown, cannot be had, or do not fit each other.
    """
    if name == RESNET50:
        return load_backbone(weights or EXACT, tell)
    named = _list_weights(name)
    weights = weights or next(iter(named))
    if weights == UNTRAINED:
        return _build(name, None, source=UNTRAINED, categories=_categories(named))
    if weights in named:
        return _build(name, _find(name, named[weights], tell), source=weights, categories=_categories(named))
    if Path(weights).is_file():
        return _build(name, Path(weights), source=weights, categories=_categories(named))
    choices = ", ".join([*named, UNTRAINED])
    raise WeightsError(f"Unknown weights '{weights}' of {name}: use {choices}, or the path of a file.")


def check_weights_name(name: str, weights: str) -> None:
    """Raise WeightsError unless the weights have a name; the path of a file is none, whatever lies there."""
    known = [*_list_weights(name), UNTRAINED, *([COMPACT] if name == RESNET50 else [])]
    if weights not in known:
        raise WeightsError(f"Unknown weights '{weights}' of {name}: use {', '.join(known)}.")


def name_layers(name: str = RESNET50) -> tuple[str, ...]:
    """List the layers that a network offers, whatever its weights; raises WeightsError for an unknown one."""
    return LAYERS if name == RESNET50 else offer_nodes(trace(load_network(name, UNTRAINED).network))


def _list_weights(name: str) -> dict[str, WeightsEnum]:
    known = list_models(module=torchvision.models)
    if name not in known:
        close = get_close_matches(name, known, n=3) or ("resnet18", "vgg16", "convnext_tiny")
        raise WeightsError(f"Unknown backbone '{name}'. Did you mean {', '.join(close)}?")
    return {entry.name: entry for entry in get_model_weights(name)}


def _find(name: str, weights: WeightsEnum, tell: Callable[[str], None]) -> Path:
    """Look weights up in torch hub's cache, or download them."""
    path = hub_file(weights.url)
    if not path.is_file():
        digest = path.stem.split("-")[-1]
        try:
            download(weights.url, path, digest, lambda come: tell(f"Downloading {name}: {come}"))
        except DownloadError as error:
            raise WeightsError(
                f"The weights {weights.name} of {name} are in no cache and cannot be downloaded: {error}. "
                f"Use the untrained network ({UNTRAINED}), or name a file."
            ) from error
    return path


def _build(name: str, path: Path | None, *, source: str, categories: tuple[str, ...]) -> Backbone:
    """Make the network, and put a file's weights into it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        network = torchvision.models.get_model(name, weights=None)
    if path is not None:
        _load(network, path, name)
    network.eval().requires_grad_(False)
    digest = None if path is None else identify(path).digest[:DIGEST_LENGTH]
    return Backbone(f"{name} {Path(source).name}", network, source, digest, categories, architecture=name)


def _load(network: nn.Module, path: Path, name: str) -> None:
    try:
        network.load_state_dict(read_state(path))
    except RuntimeError as error:
        _, *details = str(error).split("\n\t")
        found = details[0][:MAX_REASON_LENGTH] if details else "no tensors"
        raise WeightsError(
            f"{path.name} holds the weights of another network than {name} ({found}). "
            f"Name the backbone that they are of, or a state dict of torchvision's {name}."
        ) from error


def _categories(named: dict[str, WeightsEnum]) -> tuple[str, ...]:
    return tuple(next(iter(named.values())).meta["categories"])
