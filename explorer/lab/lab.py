"""The lab: one picture's experiments on the shared models. No Gradio, no printing."""

import time
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.decoders.refinement import DEFAULT_PASSES
from explorer.features.backbone import Backbone
from explorer.features.trunk import Features, Trunk
from explorer.features.zoo import RESNET50, load_network
from explorer.images import Images, Picture
from explorer.inversion.invert import Steps, invert
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.methods import (
    choose_decoder,
    choose_start,
    explain_start,
    explain_unavailable,
    find_iterative,
    is_iterative,
)
from explorer.lab.models import Models
from explorer.lab.race import Race
from explorer.lab.run import Reconstruction, Run
from explorer.lab.scorer import Scorer
from explorer.lab.warming import load_decoder, optimised_trunk, warm, warm_trunks
from explorer.lab.workers import count_workers
from explorer.machine import CPU
from explorer.metrics.scores import Scores
from explorer.precision import seconds_since


class Lab:
    """Experiments on one backbone; pictures are passed in and never kept, so visitors cannot mix."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.scorer = Scorer(models)

    @classmethod
    def load(
        cls,
        weights: str | None = None,
        device: torch.device = CPU,
        tell: Callable[[str], None] = lambda _: None,
        *,
        backbone: str = RESNET50,
    ) -> "Lab":
        """Load a network of torchvision, by weight name or file (default: its first); `tell` hears of it."""
        return cls(Models(load_network(backbone, weights, tell), device))

    @property
    def backbone(self) -> Backbone:
        """The network that is inverted."""
        return self.models.backbone

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self.models.device

    def prepare(self) -> None:
        """Build the trunks that inverting and scoring the four layers takes, so that no run waits for one."""
        warm_trunks(self.models, [self.scorer.nodes])

    def trunk(self, nodes: str) -> Trunk:
        """Return the frozen trunk that stops at these nodes, built on first use."""
        return self.models.trunk(nodes)

    def encode(self, picture: Picture, nodes: str) -> Features:
        """Compute the features that a reconstruction from these nodes may see, and nothing else."""
        with torch.no_grad():
            return self.trunk(nodes)(self.models.place(picture.images))

    def unavailable(self, layer: str, method: str) -> str | None:
        """Say why a method cannot run for this layer, or return None when it can."""
        return explain_unavailable(self.models, layer, method)

    def choose_decoder(self, layer: str) -> str:
        """Name the method that decodes this layer at once: `decoder`, or `linear` standing in for it."""
        return choose_decoder(self.models, layer)

    def choose_start(self, layer: str) -> str:
        """Name the method whose picture of this layer a search starts from: the best start there is."""
        return choose_start(self.models, layer)

    def decode(
        self, picture: Picture, layer: str, method: str = "decoder", *, passes: int = DEFAULT_PASSES
    ) -> Images:
        """Bring the picture back from the features of one layer without a search.

        ``passes`` is how often `refined` looks again.

        Raises:
            MethodUnavailableError: there is no such decoder for this layer and these weights.
            DecoderError: there is less than one pass.
        """
        load_decoder(self.models, layer, method)
        return self.decode_features(self.encode(picture, layer), layer, method, passes=passes)

    def decode_features(
        self, features: Features, layer: str, method: str = "decoder", *, passes: int = DEFAULT_PASSES
    ) -> Images:
        """Bring a picture back, without a search, from features of one layer that no picture need have.

        Raises:
            MethodUnavailableError: there is no such decoder for this layer and these weights.
            DecoderError: there is less than one pass.
        """
        decoder = load_decoder(self.models, layer, method, passes)
        with torch.no_grad():
            return decoder(features).clamp(0, 1)

    def continue_from(self, features: Features, layer: str) -> Float[Tensor, "batch classes"]:
        """Let the network go on to its output from features of one layer that no picture need have."""
        with torch.no_grad():
            return self.models.tail(layer)(features[layer])

    def invert(self, picture: Picture, layer: str, method: str, settings: Settings) -> Steps:
        """Search the picture by the features of one layer, or of a joined set, step by step.

        Raises:
            MethodUnavailableError: the method takes no steps or cannot run for this layer.
        """
        height, width = picture.images.shape[2:]
        features = self.encode(picture, layer)
        return self.invert_features(features, layer, method, settings, size=(height, width))

    def invert_features(
        self, features: Features, layer: str, method: str, settings: Settings, *, size: tuple[int, int]
    ) -> Steps:
        """Search a picture of this height and width by features that no picture need have, step by step.

        Raises:
            MethodUnavailableError: the method takes no steps or cannot run for this layer.
        """
        start = None
        if find_iterative(self.models, layer, method).start == "decoder":
            start = self.decode_features(features, layer, self.choose_start(layer))
        trunk = optimised_trunk(self.models, layer, settings)
        return invert(trunk, features, settings, start=start, size=size)

    def run(self, picture: Picture, layer: str, method: str, settings: Settings) -> Run:
        """Set up an inversion; its seconds include the target and a decoder's pass, but not loading a model.

        Raises:
            MethodUnavailableError: the method takes no steps or cannot run for this layer.
        """
        warm(self.models, method, layer, settings)
        started = time.perf_counter()
        steps = self.invert(picture, layer, method, settings)
        return Run(
            steps,
            self.models.place(picture.images),
            layer=layer,
            method=method,
            notice=explain_start(self.models, layer, method),
            seconds_before=time.perf_counter() - started,
        )

    def reconstruct(
        self,
        picture: Picture,
        layer: str,
        method: str,
        settings: Settings | None = None,
        *,
        passes: int = DEFAULT_PASSES,
    ) -> Reconstruction:
        """Bring the picture back by any method, without looking at the steps in between.

        Iterative methods take the layer's tuned settings when none are given, `refined` so many passes. The
        seconds are those of the reconstruction, models loaded.

        Raises:
            MethodUnavailableError: the method cannot run for this layer and these weights.
        """
        if is_iterative(method):
            settings = settings or load_settings(layer, method, layers=self.models.layers)
            run = self.run(picture, layer, method, settings)
            for _ in run:
                pass
            return run.reconstruction()
        warm(self.models, method, layer)
        started = time.perf_counter()
        images = self.decode(picture, layer, method, passes=passes)
        seconds = seconds_since(started, self.device)
        return Reconstruction(layer, method, images, evaluations=0, seconds=seconds)

    def race(self, picture: Picture, settings: Mapping[str, Settings], *, method: str = "optimiser") -> Race:
        """Set up the layers that have settings to be inverted side by side, without a step taken yet."""
        runs = {layer: self.run(picture, layer, method, chosen) for layer, chosen in settings.items()}
        return Race(runs, method=method, workers=count_workers(len(runs), self.device))

    def score(self, picture: Picture, reconstruction: Reconstruction) -> Scores:
        """Measure a reconstruction by every metric; one that cannot be had is None with its reason."""
        return self.scorer.score(reconstruction.images, picture.images, reconstruction.layer)
