"""Settings of one inversion: a typed, checked config from the presets file and `key=value` overrides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import torch
import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from explorer.decoding.decode import MIN_SIDE
from explorer.errors import ExplorerError
from explorer.features.layers import shallowest_stage
from explorer.images import SIZE
from explorer.machine import best_device, fastest_precision

PRESETS_FILE = Path(__file__).with_name("presets.yaml")
MAX_SIZE = 2048  # The memory that a step takes grows with the square of it.
MAX_SEED = 2**63 - 1  # The largest that torch.Generator takes.


class SettingsError(ExplorerError):
    """Settings that make no sense; the message names what was given and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one picture is inverted. Weights of priors are relative to the feature error."""

    optimiser: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float = 1.0
    history: int = 10  # Pairs that L-BFGS remembers.
    line_search: bool = True
    first_step: float = 0.1  # Mean size of the first L-BFGS move of a parameter; the line search corrects it.
    parameterisation: Literal["cosine", "fourier", "pixels"] = "cosine"
    decay: float = 1.0
    precision: Literal["float32", "bfloat16", "auto"] = "float32"  # auto becomes one of the others at once.
    start: Literal["noise", "grey", "image"] = "noise"
    noise: float = 0.1  # Standard deviation of the noise start's parameters.
    direction: float = (
        0.0  # Weight of the features' direction, whatever their size, beside the feature error.
    )
    total_variation: float = 0.0
    alpha_norm: float = 0.0
    batchnorm: float = 0.0
    closeness: float = 0.0
    jitter: int = 0  # Largest shift, in cells of the coarsest feature map.
    coarse_to_fine: float = 0.0  # Share of the evaluations in which the highest frequencies join one by one.
    steps: int | None = 100  # Evaluations of trunk forward + backward.
    seconds: float | None = None
    patience: int | None = None  # Stop after so many steps without a relative gain above `tolerance`.
    tolerance: float = 1e-3
    size: int = SIZE
    seed: int = 0

    def __post_init__(self) -> None:
        """Settle the precision and check every value; raise SettingsError for the first out of range."""
        if self.precision == "auto":
            object.__setattr__(self, "precision", fastest_precision(best_device()))
        for name in ("learning_rate", "history", "first_step", "steps", "seconds", "patience", "size"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise SettingsError(f"{name} must be above 0, not {value}.")
        for name in (
            "noise",
            "direction",
            "total_variation",
            "alpha_norm",
            "batchnorm",
            "closeness",
            "jitter",
            "tolerance",
        ):
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingsError(f"{name} must be 0 or above, not {getattr(self, name)}.")
        if not MIN_SIDE <= self.size <= MAX_SIZE:
            raise SettingsError(f"size must be from {MIN_SIDE} to {MAX_SIZE}, not {self.size}.")
        if not 0 <= self.seed <= MAX_SEED:
            raise SettingsError(f"seed must be from 0 to {MAX_SEED}, not {self.seed}.")
        if not 0 <= self.coarse_to_fine <= 1:
            raise SettingsError(f"coarse_to_fine is a share from 0 to 1, not {self.coarse_to_fine}.")
        if self.coarse_to_fine and self.steps is None:
            raise SettingsError("coarse_to_fine is a share of the evaluations, so it needs steps.")
        if self.jitter and self.optimiser == "lbfgs":
            raise SettingsError("jitter changes the objective at every step, so it needs optimiser=adam.")

    @property
    def dtype(self) -> torch.dtype:
        """The type in which the trunk computes."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32


def load_settings(
    layer: str, *, preset: str = "balanced", overrides: Sequence[str] = (), is_warm: bool = False
) -> Settings:
    """Read a preset's settings for a layer (or any node, or nodes joined by ``+``) and apply overrides.

    Args:
        layer: Nodes inside a stage use the preset of that stage; joint nodes that of the shallowest.
        preset: A section of presets.yaml.
        overrides: ``key=value`` texts; they win over the preset.
        is_warm: The inversion starts from a decoder's picture.

    Raises:
        SettingsError: unknown preset, unknown key, or a value of the wrong kind or range.
    """
    presets = OmegaConf.load(PRESETS_FILE)
    assert isinstance(presets, DictConfig)
    if preset not in presets:
        raise SettingsError(f"Unknown preset '{preset}': use {', '.join(map(str, presets))}.")
    tuned = presets[preset]["warm" if is_warm else "cold"][shallowest_stage(layer)]
    return make_settings(tuned, parse_overrides(overrides))


def make_settings(*configs: DictConfig) -> Settings:
    """Merge configs over the defaults, the later the stronger.

    Raises:
        SettingsError: unknown key, or a value of the wrong kind or range.
    """
    known = [field.name for field in fields(Settings)]
    for config in configs:
        for key in config:
            if key not in known:
                raise SettingsError(f"Unknown setting '{key}'. Known: {', '.join(known)}.")
    try:
        merged = OmegaConf.merge(OmegaConf.structured(Settings), *configs)
        return OmegaConf.to_object(merged)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise SettingsError(f"Bad setting {error.full_key}: {str(error).splitlines()[0]}.") from error


def parse_overrides(overrides: Sequence[str]) -> DictConfig:
    """Turn ``key=value`` texts into a config.

    Raises:
        SettingsError: a text has no ``=``, its value is not YAML, or it refers to another value by ``${``,
            which could read the environment.
    """
    for text in overrides:
        if "=" not in text:
            raise SettingsError(f"'{text}' is no setting; write key=value.")
        if "${" in text:
            raise SettingsError(f"'{text}' refers to another value; write the value itself.")
    try:
        return OmegaConf.from_dotlist(list(overrides))
    except yaml.YAMLError as error:
        raise SettingsError(
            f"Couldn't read '{' '.join(overrides)}' as YAML: {' '.join(str(error).split())}"
        ) from error
