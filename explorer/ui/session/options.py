"""The options of a live run: one table of them, the visitor's choices, and the settings for these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.features.layers import LAYERS
from explorer.inversion.settings import Settings, SettingsError, load_settings

FROM_NOISE, FROM_DECODER = "noise", "decoder"
# The presets are tuned for L-BFGS; Adam's steps on Fourier coefficients are about this large.
ADAM: dict[str, Any] = {"optimiser": "adam", "learning_rate": 0.05}
# The machine serves everyone, so no run may take longer.
MAX_SECONDS = 120
MAX_EVALUATIONS = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """An option with one of some values, each behind what the page calls it."""

    name: str
    label: str
    info: str
    choices: Mapping[str, Any]
    default: Any

    def read(self, text: str) -> Any | None:  # noqa: ANN401 - of the option's own type
        """Read a link's text; None if it is none of the values."""
        known = self.choices.values()
        return next((value for value in known if text in (self.write(value), str(value))), None)

    def write(self, value: Any) -> str:  # noqa: ANN401 - of the option's own type
        """Write a value as a link's text; browsers send 2.0 back as 2, so both are written alike."""
        return str(value) if isinstance(value, str) else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Number:
    """An option with a whole number within limits; without a step it is typed, else it is slid to."""

    name: str
    label: str
    info: str
    low: int
    high: int
    default: int
    step: int | None = None

    def read(self, text: str) -> int | None:
        """Read a link's text, brought within the limits; None if it is no number."""
        return min(max(int(text), self.low), self.high) if text.isascii() and text.isdecimal() else None

    def write(self, value: Any) -> str:  # noqa: ANN401 - of the option's own type
        """Write a value as a link's text."""
        return str(int(value))


@dataclass(frozen=True, slots=True)
class Subset:
    """An option with several of some values."""

    name: str
    label: str
    info: str
    choices: tuple[str, ...]
    default: tuple[str, ...]

    def read(self, text: str) -> tuple[str, ...] | None:
        """Read a link's text, known values separated by commas; None if there is none."""
        return tuple(value for value in self.choices if value in text.split(",")) or None

    def write(self, value: Any) -> str:  # noqa: ANN401 - of the option's own type
        """Write a value as a link's text."""
        return ",".join(value)


Option = Choice | Number | Subset

# In the order of the page's controls. A link's names are these; `steps` is what a link calls evaluations.
OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
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
        Subset("layers", "Layers", "Fewer layers means more time for each.", LAYERS, LAYERS),
        Number(
            "seed", "Seed",
            "The same seed gives the same noise to start from; layer1 starts from plain grey.",
            0, 2**31, 0,
        ),
    )
}  # fmt: skip


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
    def from_controls(cls, values: Sequence[Any]) -> "RunOptions":
        """Read the controls' values, in the order of OPTIONS; one left empty keeps its default.

        Raises:
            SettingsError: a value is none that the control offers; the message names the control.
        """
        given = dict(zip(OPTIONS, values, strict=True))
        return cls(
            **{name: _accept(OPTIONS[name], value) for name, value in given.items() if value is not None}
        )

    @staticmethod
    def check(name: str, value: Any) -> Any:  # noqa: ANN401 - of the option's own type
        """Return one control's value, its default if it was left empty. Raises SettingsError."""
        return _default(name) if value is None else _accept(OPTIONS[name], value)

    @property
    def method(self) -> str:
        """The lab's name for this start."""
        return "hybrid" if self.start == FROM_DECODER else "optimiser"

    def settings(self) -> dict[str, Settings]:
        """Load each chosen layer's settings; raises SettingsError where none is chosen."""
        if not self.layers:
            raise SettingsError("Choose at least one layer.")
        return {layer: self._settings(layer) for layer in self.layers}

    def overrides(self, layer: str) -> list[str]:
        """Write what differs from the tuned settings as the command line's --set takes it."""
        tuned, chosen = load_settings(layer, self.method), self._settings(layer)
        weights = {name: weight for name, weight in chosen.priors.items() if weight != tuned.priors[name]}
        changes = {**weights, **(ADAM if self.optimiser == "adam" else {})}
        return [
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in changes.items()
        ]

    def _settings(self, layer: str) -> Settings:
        changes = ADAM if self.optimiser == "adam" else {}
        tuned = load_settings(layer, self.method, evaluations=self.steps, seed=self.seed, **changes)
        weights = {name: weight * self.prior for name, weight in tuned.priors.items()}
        return replace(tuned, priors=weights)


def _accept(option: Option, value: Any) -> Any:  # noqa: ANN401 - whatever a program may send as a control's value
    """Check a control's value, which a program may have made up.

    Raises:
        SettingsError: it is not what the control offers.
    """
    allowed = f"{option.label} must be"
    match option:
        case Choice():
            if value not in option.choices.values():
                raise SettingsError(f"{allowed} one of {', '.join(map(str, option.choices.values()))}.")
            return value
        case Number():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not option.low <= value <= option.high:
                raise SettingsError(f"{allowed} a number from {option.low} to {option.high}.")
            return int(value)
        case Subset():
            if not isinstance(value, list | tuple) or not all(one in option.choices for one in value):
                raise SettingsError(f"{allowed} some of {', '.join(option.choices)}.")
            return tuple(one for one in option.choices if one in value)
