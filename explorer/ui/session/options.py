"""The options of a live run, and the settings that they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from explorer.features.layers import LAYERS
from explorer.inversion.settings import Settings, SettingsError, load_settings

FROM_NOISE, FROM_DECODER = "noise", "decoder"
STARTS = [("from scratch", FROM_NOISE), ("from the decoder (hybrid)", FROM_DECODER)]
AS_TUNED = "as tuned"
PRIOR_WEIGHTS = [AS_TUNED, "0", "0.005", "0.02", "0.1", "0.5"]
OPTIMISERS = [("L-BFGS", "lbfgs"), ("Adam", "adam")]
# The presets are tuned for L-BFGS; Adam's steps on Fourier coefficients are about this large.
ADAM_LEARNING_RATE = 0.05
DEFAULT_STEPS = 200
MAX_STEPS = 1000
# One compute slot serves everyone, so no run may hold it longer.
DEFAULT_SECONDS = 60
MAX_SECONDS = 120


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the visitor has chosen; field names are also those of permalinks and of the API."""

    start: str = FROM_NOISE
    steps: int = DEFAULT_STEPS
    seconds: float = DEFAULT_SECONDS
    seed: int = 0
    prior: str = AS_TUNED
    optimiser: str = "lbfgs"
    layers: tuple[str, ...] = LAYERS

    @classmethod
    def from_controls(cls, values: Sequence[Any]) -> "RunOptions":
        """Read the values of `Controls.components()`; a number left empty keeps its default."""
        names = [field.name for field in fields(cls)]
        given = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        return cls(**{**given, "layers": tuple(layer for layer in LAYERS if layer in given["layers"])})

    @property
    def method(self) -> str:
        """The lab's name for this start."""
        return "hybrid" if self.start == FROM_DECODER else "optimiser"

    def tuning(self) -> dict[str, Any]:
        """Return the settings that differ from what is tuned; the command line takes them by --set."""
        chosen: dict[str, Any] = {} if self.prior == AS_TUNED else {"total_variation": float(self.prior)}
        if self.optimiser == "adam":
            chosen |= {"optimiser": "adam", "learning_rate": ADAM_LEARNING_RATE}
        return chosen

    def settings(self) -> dict[str, Settings]:
        """Load each chosen layer's settings.

        Raises:
            SettingsError: no layer is chosen, or a choice is out of range; the message names it.
        """
        if not self.layers:
            raise SettingsError("Choose at least one layer.")
        changes = {"evaluations": int(self.steps), "seed": int(self.seed), **self.tuning()}
        return {layer: load_settings(layer, self.method, **changes) for layer in self.layers}
