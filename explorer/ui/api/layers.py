"""The layers that endpoints speak of: those of the network behind the page."""

from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import Any

from explorer.features.layers import LAYERS

# What the endpoints are written for: ResNet-50.
DEFAULT, NAMED = "layer2", "layer1 to layer4"


def speak_of(endpoint: MethodType, layers: Sequence[str]) -> Callable[..., Any]:
    """Give an endpoint these layers in its description, and the second of them, if any, as its default."""
    if tuple(layers) == LAYERS:
        return endpoint
    own = endpoint.__func__
    default = layers[min(1, len(layers) - 1)]
    defaults = tuple(default if value == DEFAULT else value for value in own.__defaults__ or ())
    told = FunctionType(own.__code__, own.__globals__, own.__name__, defaults, own.__closure__)
    told.__annotations__, told.__qualname__ = own.__annotations__, own.__qualname__
    told.__doc__ = (own.__doc__ or "").replace(NAMED, ", ".join(layers))
    return MethodType(told, endpoint.__self__)
