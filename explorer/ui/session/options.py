"""The options of a live run: the table of them, the visitor's choices, and the settings for these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from explorer.features.layers import LAYERS
from explorer.inversion.settings import Settings, SettingsError, load_settings
from explorer.ui.bounds import MAX_EVALUATIONS, MAX_SECONDS
from explorer.ui.session.option import Choice, Number, Option, Subset, accept

FROM_NOISE, FROM_DECODER = "noise", "decoder"
# The presets are tuned for L-BFGS; Adam's steps on Fourier coefficients are about this large.
ADAM: dict[str, Any] = {"optimiser": "adam", "learning_rate": 0.05}

_SAME_NOISE = "The same seed gives the same noise to start from"
_ABOUT_SEED = f"{_SAME_NOISE}; layer1 starts from plain grey."


def list_options(layers: tuple[str, ...] = LAYERS) -> dict[str, Option]:
    """List the options of a network with these layers by name, in the order of the page's controls.

    A link's names are these; `steps` is what a link calls evaluations.
    """
    options = (
        Choice(
            "start", "Start from", "",
            {"from scratch": FROM_NOISE, "from the decoder (hybrid)": FROM_DECODER}, FROM_NOISE,
        ),
        Number(
            "steps", "Evaluations per layer",
            "Passes forward and backward through the network, after which a layer is done.",
            10, MAX_EVALUATIONS, 200, step=10,
        ),
        Number(
            "seconds", "Time for all layers, seconds",
            "The layers share it fairly; Resume adds as much again.",
            5, MAX_SECONDS, 60, step=5,
        ),
        Choice(
            "prior", "Prior, times the tuned weight",
            "From scratch it asks for a smooth picture, in a hybrid run for one close to the decoder’s.",
            {"none": 0.0, "a quarter": 0.25, "half": 0.5, "as tuned": 1.0, "twice": 2.0, "four times": 4.0},
            1.0,
        ),
        Choice(
            "optimiser", "Optimiser", "L-BFGS learns the curvature as it goes; Adam follows the slope.",
            {"L-BFGS": "lbfgs", "Adam": "adam"}, "lbfgs",
        ),
        Subset("layers", "Layers", "Fewer layers means more time for each.", layers, layers),
        Number("seed", "Seed", _ABOUT_SEED if layers == LAYERS else f"{_SAME_NOISE}.", 0, 2**31, 0),
    )  # fmt: skip
    return {option.name: option for option in options}


OPTIONS = list_options()


def _default(name: str) -> Any:  # noqa: ANN401 - of the option's own type
    return OPTIONS[name].default


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the visitor has chosen: a value for each of OPTIONS, by name."""

    start: str = _default("start")
    steps: int = _default("steps")
    seconds: float = _default("seconds")
    prior: float = _default("prior")
    optimiser: str = _default("optimiser")
    layers: tuple[str, ...] = _default("layers")
    seed: int = _default("seed")

    @classmethod
    def from_controls(
        cls, values: Sequence[Any], options: Mapping[str, Option] = MappingProxyType(OPTIONS)
    ) -> "RunOptions":
        """Read the controls' values, in the order of the options; one left empty keeps its default.

        Raises:
            SettingsError: a value is none that the control offers; the message names the control.
        """
        chosen: dict[str, Any] = {
            name: option.default if value is None else accept(option, value)
            for (name, option), value in zip(options.items(), values, strict=True)
        }
        return cls(**chosen)

    @staticmethod
    def check(name: str, value: Any) -> Any:  # noqa: ANN401 - of the option's own type
        """Return one control's value, its default if it was left empty. Raises SettingsError."""
        return _default(name) if value is None else accept(OPTIONS[name], value)

    @property
    def method(self) -> str:
        """The lab's name for this start."""
        return "hybrid" if self.start == FROM_DECODER else "optimiser"

    def settings(self, offered: Sequence[str] = LAYERS) -> dict[str, Settings]:
        """Load the settings of each chosen layer; raises SettingsError where none is chosen."""
        if not self.layers:
            raise SettingsError("Choose at least one layer.")
        return {layer: self._settings(layer, offered) for layer in self.layers}

    def overrides(self, layer: str, offered: Sequence[str] = LAYERS) -> list[str]:
        """Write what differs from the tuned settings as the command line's --set takes it."""
        tuned = load_settings(layer, self.method, layers=offered)
        chosen = self._settings(layer, offered)
        weights = {name: weight for name, weight in chosen.priors.items() if weight != tuned.priors[name]}
        changes = {**weights, **(ADAM if self.optimiser == "adam" else {})}
        return [
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in changes.items()
        ]

    def _settings(self, layer: str, offered: Sequence[str]) -> Settings:
        changes = ADAM if self.optimiser == "adam" else {}
        changes = {"evaluations": self.steps, "seed": self.seed, **changes}
        tuned = load_settings(layer, self.method, layers=offered, **changes)
        weights = {name: weight * self.prior for name, weight in tuned.priors.items()}
        return replace(tuned, priors=weights)
