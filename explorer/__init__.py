"""Invert the features of a pretrained ResNet-50, layer by layer, with honest numbers.

`from explorer import Lab` is the way in. A name is imported when it is asked for: torch takes seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.examples import load_example
    from explorer.experiments import run_experiment
    from explorer.experiments.presentation.folder import draw_result
    from explorer.features.recorded import read_features
    from explorer.images import read_picture, to_pil
    from explorer.lab.lab import Lab

__version__ = "0.1.0"
__all__ = ["Lab", "draw_result", "load_example", "read_features", "read_picture", "run_experiment", "to_pil"]

_HOMES = {
    "Lab": "explorer.lab.lab",
    "draw_result": "explorer.experiments.presentation.folder",
    "load_example": "explorer.examples",
    "read_features": "explorer.features.recorded",
    "read_picture": "explorer.images",
    "run_experiment": "explorer.experiments",
    "to_pil": "explorer.images",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of any name above
    if name not in _HOMES:
        raise AttributeError(f"module 'explorer' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
