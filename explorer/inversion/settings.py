"""Settings of one inversion: a typed, checked config from the presets file and changes to it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from explorer.device import fastest_precision
from explorer.errors import ExplorerError
from explorer.features.layers import LAYERS, shallowest_stage
from explorer.inversion.parameterisations import PARAMETERISATIONS
from explorer.inversion.priors import PRIORS

PRESETS_FILE = Path(__file__).with_name("presets.yaml")
MAX_SEED = 2**63 - 1  # The largest that torch.Generator takes.
# Names under which the command line, reports and the API know a field.
OUTER_NAMES = {"evaluations": "steps"}


class SettingsError(ExplorerError):
    """Settings that make no sense; the message names what was given and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one picture is inverted. Weights are relative to that of the feature error, which is 1."""

    optimiser: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float = 1.0
    history: int = 10  # Pairs that L-BFGS remembers.
    line_search: bool = True
    first_step: float = 0.1  # Mean size of the first L-BFGS move of a parameter; the line search corrects it.
    parameterisation: str = "cosine"  # One of PARAMETERISATIONS.
    decay: float = 1.0
    precision: Literal["float32", "bfloat16", "auto"] = "float32"  # auto: the fastest that the device has.
    start: Literal["noise", "grey", "image"] = "noise"
    noise: float = 0.1  # Standard deviation of the noise start's parameters.
    direction: float = 0.0  # Weight of the features' direction, whatever their size.
    priors: dict[str, float] = field(default_factory=dict)  # Weights of PRIORS; one without is not computed.
    evaluations: int | None = 100  # Of trunk forward + backward, at most.
    seconds: float | None = None
    patience: int | None = None  # Stop after so many steps without a relative gain above `tolerance`.
    tolerance: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value; raise SettingsError for the first out of range."""
        for name in ("learning_rate", "history", "first_step", "evaluations", "seconds", "patience"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise SettingsError(f"{OUTER_NAMES.get(name, name)} must be above 0, not {value}.")
        weights = {"direction": self.direction, **self.priors}
        for name, value in {"noise": self.noise, "tolerance": self.tolerance, **weights}.items():
            if not 0 <= value < math.inf:
                raise SettingsError(f"{name} must be 0 or above, not {value}.")
        if not 0 <= self.seed <= MAX_SEED:
            raise SettingsError(f"seed must be from 0 to {MAX_SEED}, not {self.seed}.")
        for kind, given, known in (
            ("parameterisation", [self.parameterisation], PARAMETERISATIONS),
            ("prior", self.priors, PRIORS),
        ):
            if unknown := [name for name in given if name not in known]:
                raise SettingsError(f"Unknown {kind} '{unknown[0]}': use {', '.join(known)}.")

    def uses(self, need: str) -> bool:
        """Whether some prior with a weight needs this: "start" or "batchnorms"."""
        return any(weight and PRIORS[name].needs == need for name, weight in self.priors.items())

    def dtype_on(self, device: torch.device) -> torch.dtype:
        """Choose the type in which the trunk computes on this device."""
        return torch.bfloat16 if self.settle(device).precision == "bfloat16" else torch.float32

    def settle(self, device: torch.device) -> "Settings":
        """Return these settings with `precision: auto` replaced by what this device does fastest."""
        if self.precision != "auto":
            return self
        return replace(self, precision=fastest_precision(device))

    def describe(self) -> dict[str, Any]:
        """Write the settings as plain values by the names that reports and the command line use."""
        weights = dict.fromkeys(PRIORS, 0.0) | self.priors
        plain = asdict(self)
        del plain["priors"]
        return {OUTER_NAMES.get(name, name): value for name, value in {**plain, **weights}.items()}


def load_settings(
    layer: str,
    method: str = "optimiser",
    preset: str = "balanced",
    *,
    layers: Sequence[str] = LAYERS,
    **changes: Any,  # noqa: ANN401 - of any field's type
) -> Settings:
    """Return a preset's settings for a layer (or any node, or nodes joined by `+`) with some changed.

    Args:
        layer: Nodes inside a stage use the preset of that stage; joint nodes that of the shallowest.
        method: One without tuned settings of its own takes the optimiser's.
        preset: A section of presets.yaml.
        layers: Those that the network offers; each takes the preset of ResNet-50's at its place.
        changes: Values by the name of a field, or of a prior for its weight.

    Raises:
        SettingsError: unknown preset, unknown name, or a value of the wrong kind or range.
    """
    presets = _read_presets()
    if preset not in presets:
        raise SettingsError(f"Unknown preset '{preset}': use {', '.join(presets)}.")
    methods = presets[preset]
    tuned = methods.get(method, methods["optimiser"])[shallowest_stage(layer, layers)]
    return make_settings({**tuned, **changes})


def list_presets() -> list[str]:
    """Name the presets, in the order of their file."""
    return list(_read_presets())


def make_settings(values: Mapping[str, Any]) -> Settings:
    """Build settings from values by the name of a field or of a prior, the rest being defaults.

    Raises:
        SettingsError: unknown name, or a value of the wrong kind or range.
    """
    known = [entry.name for entry in fields(Settings) if entry.name != "priors"] + list(PRIORS)
    for name in values:
        if name not in known:
            shown = ", ".join(OUTER_NAMES.get(name, name) for name in known)
            raise SettingsError(f"Unknown setting '{name}'. Known: {shown}.")
    plain = {name: value for name, value in values.items() if name not in PRIORS}
    weights = {name: value for name, value in values.items() if name in PRIORS}
    try:
        merged = OmegaConf.merge(OmegaConf.structured(Settings), {**plain, "priors": weights})
        return OmegaConf.to_object(merged)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        key = str(error.full_key).removeprefix("priors.")
        raise SettingsError(f"Bad setting {key}: {str(error).splitlines()[0]}.") from error


def parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """Read the command line's `key=value` texts into typed changes.

    Raises:
        SettingsError: a text has no `=`, its value is not YAML, or it refers to another value by `${`,
            which could read the environment.
    """
    for text in overrides:
        if "=" not in text:
            raise SettingsError(f"'{text}' is no setting; write key=value.")
        if "${" in text:
            raise SettingsError(f"'{text}' refers to another value; write the value itself.")
    try:
        parsed = OmegaConf.to_container(OmegaConf.from_dotlist(list(overrides)))
    except yaml.YAMLError as error:
        raise SettingsError(
            f"Couldn't read '{' '.join(overrides)}' as YAML: {' '.join(str(error).split())}"
        ) from error
    inner_names = {outer: inner for inner, outer in OUTER_NAMES.items()}
    assert isinstance(parsed, dict)
    return {inner_names.get(str(name), str(name)): value for name, value in parsed.items()}


@cache
def _read_presets() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Read presets.yaml: settings by preset, method and stage."""
    presets = OmegaConf.load(PRESETS_FILE)
    assert isinstance(presets, DictConfig)
    return OmegaConf.to_container(presets)  # type: ignore[return-value]
