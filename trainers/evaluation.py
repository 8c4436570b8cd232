"""All methods on one picture after another, and their scores."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from explorer.features.layers import LAYERS
from explorer.files import give_names, printable
from explorer.folders import read_pictures_of
from explorer.images import SIZE, Picture, quantise, read_picture
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.lab import Lab
from explorer.lab.methods import METHODS, is_iterative
from explorer.lab.run import Reconstruction
from explorer.report.bundle import Result
from trainers.config import ConfigError
from trainers.data.folders import list_pictures

logger = logging.getLogger(__name__)

MEAN_IMAGE, RANDOM_PAIR = "mean image", "random pair"


@dataclass
class EvaluateConfig:
    """What is evaluated, on which pictures, by which methods."""

    folder: str = ""
    out: str = "runs/evaluation"
    weights: str = "IMAGENET1K_V1"
    pictures: int = 300  # The folder's first, in the order of their names.
    iterative_pictures: int = 60  # Of these, evenly spread, for the methods that take long.
    layers: list[str] = field(default_factory=lambda: list(LAYERS))
    methods: list[str] = field(default_factory=lambda: list(METHODS))
    has_baselines: bool = True  # The mean image and another picture beside every layer.
    preset: str = "balanced"
    steps: dict[str, int] = field(default_factory=dict)  # By method, in place of the preset's.
    grid_pictures: int = 4
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.folder:
            raise ConfigError("folder is empty; name the folder of pictures to evaluate on.")
        if self.iterative_pictures < 1:
            raise ConfigError("iterative_pictures must be at least 1; or leave methods out of `methods`.")
        for name, known in (("layers", LAYERS), ("methods", METHODS)):
            if unknown := set(getattr(self, name)) - set(known):
                raise ConfigError(f"{name} holds {', '.join(sorted(unknown))}; known are {', '.join(known)}.")


class Evaluation:
    """All methods on one picture after another."""

    def __init__(self, config: EvaluateConfig, device: torch.device) -> None:
        self.config = config
        self.lab = Lab.load(config.weights, device)
        if self.lab.backbone.notice:
            logger.warning("%s", self.lab.backbone.notice)
        listed = list_pictures(config.folder)[: config.pictures]
        read = read_pictures_of(listed, size=SIZE, skip=logger.warning)
        images = {path: picture.images for path, picture in read}
        if not images:
            raise ConfigError(f"Not one of {len(listed)} pictures in '{config.folder}' can be read.")
        self.paths = list(images)
        self.names = give_names([path.stem for path in self.paths])  # Of the figures' files.
        self.iterated = range(0, len(images), math.ceil(len(images) / config.iterative_pictures))
        self.mean_image = quantise(torch.stack(list(images.values())).mean(0))

    def results(self, index: int) -> Iterator[Result]:
        """Reconstruct and score one picture by every method, the baselines included if wanted."""
        picture = read_picture(self.paths[index])
        reconstructions = list(self._reconstructions(picture, index))
        if not reconstructions:
            return
        made = [(one.layer, one.images) for one in reconstructions]
        scores = self.lab.scorer.score_all(made, picture.images)
        for reconstruction, score in zip(reconstructions, scores, strict=True):
            yield Result(printable(self.paths[index].name), reconstruction, score)

    def _reconstructions(self, picture: Picture, index: int) -> Iterator[Reconstruction]:
        pair = read_picture(self.paths[(index + 1) % len(self.paths)]).images
        for layer in self.config.layers:
            if self.config.has_baselines:
                yield Reconstruction(layer, MEAN_IMAGE, self.mean_image, 0, 0.0)
                yield Reconstruction(layer, RANDOM_PAIR, pair, 0, 0.0)
            for method in self.config.methods:
                at = self.lab.at(layer)
                if at.unavailable(method):
                    continue
                if not is_iterative(method):
                    yield at.reconstruct(picture, method)
                elif index in self.iterated:
                    yield at.reconstruct(picture, method, settings_of(self.config, layer, method))


def settings_of(config: EvaluateConfig, layer: str, method: str) -> Settings:
    """Give the preset's settings with the steps that the configuration asks for."""
    changes: dict[str, Any] = {"evaluations": config.steps[method]} if method in config.steps else {}
    return load_settings(layer, method, config.preset, **changes)
