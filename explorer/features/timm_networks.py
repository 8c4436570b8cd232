"""Networks of timm, an optional package, with weights and colours of their own: `timm/resnet50.a1_in1k`."""

from difflib import get_close_matches
from importlib import import_module
from typing import Any

from torch import nn

from explorer.features.state import WeightsError
from explorer.features.trunk import Normalisation

PREFIX, PRETRAINED = "timm/", "pretrained"
NOT_INSTALLED = "Networks of timm need that package: python -m pip install timm."


def is_of_timm(architecture: str) -> bool:
    """Whether a name is that of a network of timm."""
    return architecture.startswith(PREFIX)


def make_of_timm(architecture: str, *, is_pretrained: bool) -> tuple[nn.Module, Normalisation]:
    """Build a network of timm in eval mode, with its own weights or random ones, and tell its normalisation.

    Raises:
        WeightsError: timm is not installed, has no such network or weights, or cannot download them.
    """
    timm, name = _import(), architecture.removeprefix(PREFIX)
    if not timm.is_model(name):
        close = get_close_matches(name, timm.list_models(), n=3) or ("resnet50.a1_in1k",)
        raise WeightsError(
            f"Unknown backbone '{architecture}'. Did you mean {', '.join(PREFIX + one for one in close)}?"
        )
    try:
        network = timm.create_model(name, pretrained=is_pretrained)
    except (OSError, RuntimeError, ValueError) as error:  # The hub's and its network's are of these kinds.
        raise WeightsError(
            f"The weights of {architecture} are in no cache, or cannot be had ({type(error).__name__}). "
            "Use the untrained network (untrained), or name a file."
        ) from error
    colours = network.pretrained_cfg
    return network.eval().requires_grad_(False), Normalisation(tuple(colours["mean"]), tuple(colours["std"]))


def _import() -> Any:  # noqa: ANN401 - a module that need not be there
    try:
        return import_module("timm")
    except ImportError as error:
        raise WeightsError(NOT_INSTALLED) from error
