"""The training's configuration: dataclass defaults, then one YAML per layer, then ``key=value`` words."""

from collections.abc import Sequence
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from explorer.decoders.architecture import ARCHITECTURES
from explorer.decoders.checkpoint import REFINEMENT
from explorer.device import best_device, fastest_precision
from explorer.errors import ExplorerError
from explorer.features.layers import LAYERS
from trainers.texts import read_value, read_yaml

CONFIGS = Path(__file__).parent / "configs"
SOURCES = ("folder", "hf", "skimage")
PERCEPTUAL_NETWORKS = ("squeeze",)  # Never "alex": that is the reported metric.

SCHEDULES = ("cosine", "plateau")

COUNTS = ("steps", "batch_size", "passes", "cache_batches", "save_every", "log_every", "linear_batches")

Config = TypeVar("Config")


class ConfigError(ExplorerError):
    """A configuration that cannot be trained; the message names the key and what it may hold."""


@dataclass
class DataConfig:
    """Where the pictures come from and how they are cropped."""

    source: str = "hf"
    folder: str = ""  # Several are joined as in PATH: photos:more_photos.
    dataset: str = "ILSVRC/imagenet-1k"  # For "hf": a name on the Hub, or a local folder of Parquet files.
    split: str = "train"
    size: int = 224
    # Pictures are resized to a short side of between so many times `size`, then cropped.
    min_zoom: float = 1.0
    max_zoom: float = 1.25
    shuffle_buffer: int = 2048  # Streaming only.
    workers: int = 1


@dataclass
class OptimiserConfig:
    """Muon (Jordan et al. 2024) for the convolutions' matrices, AdamW for all other parameters."""

    matrix_learning_rate: float = 2.5e-3
    learning_rate: float = 2e-3
    head_learning_rate: float = 5e-5  # The fitted head is good already; at the common rate it is soon lost.
    warmup_steps: int = 50
    schedule: str = "cosine"
    final_fraction: float = 0.02  # The schedule ends at this share of the learning rate.
    # The plateau schedule halves the rate after so many validations in a row without a gain of so many dB.
    patience: int = 4
    min_gain_db: float = 0.01
    clip_norm: float = 1.0
    ema_decay: float = 0.995


@dataclass
class LossConfig:
    """Weights of the loss terms, each a mean over pixels (or features)."""

    mse: float = 1.0
    l1: float = 0.02
    perceptual: float = 0.0
    perceptual_network: str = "squeeze"
    # Relative squared errors of the reconstruction's own features, by layer, as {layer2: 0.1, layer3: 0.2}.
    features: dict[str, float] = field(default_factory=dict)


@dataclass
class TrainConfig:
    """One training run."""

    layer: str = "layer1"
    variant: str = "faithful"
    # One trunk per entry, taken in turns step by step; the first is the one that validation uses.
    weights: list[str] = field(default_factory=lambda: ["IMAGENET1K_V1"])
    # A decoder file to start from, or to refine; None fits a decoder's linear head first.
    start: str | None = None
    # A decoder file of another shape: the parts of its branch that fit are taken, after the head was fitted.
    start_branch: str | None = None
    start_refinement: str | None = None  # A refinement's file to train on, perhaps with more blocks.
    # Parts of the network that keep their first weights, such as [stem, scales.0].
    frozen: list[str] = field(default_factory=list)
    passes: int = 3  # Of a refinement: it learns to correct its own pictures, up to the last of so many.
    steps: int = 100_000
    batch_size: int = 64  # Over all processes together.
    seed: int = 0
    bf16: bool | None = None  # Mixed precision; None means where a measurement finds it faster.
    threads: int | None = None  # Processor threads of each process; None leaves torch's own choice.
    # A folder that keeps the features of the first so many batches, for decoders cheaper than their trunk.
    cache: str = ""
    cache_batches: int = 1000
    linear_batches: int = 40  # Batches that the linear head is fitted on.
    save_every: int = 500
    log_every: int = 20
    validation_folder: str | None = None
    validation_pictures: int = 32
    out: str = "runs"
    data: DataConfig = field(default_factory=DataConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    loss: LossConfig = field(default_factory=LossConfig)

    def __post_init__(self) -> None:
        _check_choice("layer", self.layer, tuple(ARCHITECTURES))
        for layer in self.loss.features:
            _check_choice("loss.features", layer, LAYERS)
        _check_choice("data.source", self.data.source, SOURCES)
        _check_choice("optimiser.schedule", self.optimiser.schedule, SCHEDULES)
        if self.optimiser.schedule == "plateau" and not self.validation_folder:
            raise ConfigError("validation_folder is empty; the plateau schedule needs held-out pictures.")
        _check_choice("loss.perceptual_network", self.loss.perceptual_network, PERCEPTUAL_NETWORKS)
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not self.weights:
            raise ConfigError("weights is empty; name at least one set, such as [IMAGENET1K_V1].")
        if self.data.source == "folder" and not self.data.folder:
            raise ConfigError("data.folder is empty; name the folder of training pictures.")
        if self.cache and (self.variant == REFINEMENT or self.loss.perceptual or self.loss.features):
            raise ConfigError("cache keeps what a decoder learns by pixels alone; leave it out here.")

    @property
    def uses_bf16(self) -> bool:
        """Whether to train in mixed precision."""
        return fastest_precision(best_device()) == "bfloat16" if self.bf16 is None else self.bf16

    @property
    def run_folder(self) -> Path:
        """The folder of everything this run writes."""
        return Path(self.out) / f"{self.layer}-{self.variant}"


def load_config(kind: type[Config], path: Path | None, overrides: Sequence[str]) -> Config:
    """Merge a configuration's defaults, a YAML file and ``key=value`` words into a validated object.

    Raises:
        ConfigError: a file is missing, or a key or value does not fit.
    """
    for word in overrides:
        if "=" not in word:
            raise ConfigError(f"'{word}' is no setting; write key=value.")
    try:
        preset = read_yaml(path.read_text(encoding="utf-8")) if path else None
        if not isinstance(preset, dict | None):
            raise ConfigError(f"{path} holds no settings; write each as `key: value`.")
        given = OmegaConf.create(preset or {})
        for word in overrides:
            key, _, text = word.partition("=")
            OmegaConf.update(given, key, read_value(text, _kind_of(kind, key)))
        loaded = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), given))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{error.full_key}: {str(error).splitlines()[0]}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"Couldn't read {path}: {reason}.") from error
    except yaml.YAMLError as error:
        places = " ".join(map(str, filter(None, [path, *overrides])))
        raise ConfigError(f"Couldn't read {places} as YAML: {' '.join(str(error).split())}") from error
    assert isinstance(loaded, kind)
    return loaded


def as_dict(config: object) -> dict[str, Any]:
    """Turn a configuration into plain data for a manifest."""
    plain = OmegaConf.to_container(OmegaConf.structured(config))
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _kind_of(kind: Any, key: str) -> Any:  # noqa: ANN401 - a type, or what stands for one
    """Look up the type of a value by its dotted key; None for a key that is none."""
    for name in key.split("."):
        kind = get_type_hints(kind).get(name) if is_dataclass(kind) else next(reversed(get_args(kind)), None)
    return kind


def _check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{key} is '{value}'; it must be one of {', '.join(choices)}.")
