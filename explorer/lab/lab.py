"""The lab: one picture's experiments on the shared models. No Gradio, no printing."""

import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from explorer.decoders.checkpoint import CHECKPOINTS, LINEAR
from explorer.decoders.linear import LinearDecoderError
from explorer.errors import ExplorerError
from explorer.features.backbone import Backbone, load_backbone
from explorer.features.layers import JOINT_SEPARATOR, LAYERS
from explorer.features.trunk import Features, Trunk
from explorer.images import Images, Picture
from explorer.inversion.invert import Settings, Step, invert, load_settings
from explorer.lab.models import Models
from explorer.lab.race import FRAMES_PER_SECOND, Race
from explorer.lab.run import Reconstruction, finish, follow
from explorer.lab.scorer import SCORED_NODES, Scorer
from explorer.machine import CPU
from explorer.metrics.scores import Scores

ITERATIVE_METHODS = ("optimiser", "hybrid")
VARIANTS = {"decoder": "faithful", "perceptual": "perceptual"}  # Of the trained decoder, by method.
METHODS = (*VARIANTS, *ITERATIVE_METHODS, "linear")


class MethodUnavailableError(ExplorerError):
    """A method that cannot run for this layer and these weights; the message says why."""


class Lab:
    """Experiments on one backbone; pictures are passed in and never kept, so visitors cannot mix."""

    def __init__(
        self, backbone: Backbone, device: torch.device = CPU, checkpoints: Path = CHECKPOINTS
    ) -> None:
        self.backbone = backbone
        self.device = device
        self._models = Models(backbone, device, checkpoints)
        self.scorer = Scorer(self._models)

    @classmethod
    def load(cls, weights: str = "IMAGENET1K_V1", device: torch.device = CPU) -> "Lab":
        """Load the backbone by weight name or file and build a lab around it."""
        return cls(load_backbone(weights), device)

    def prepare(self) -> None:
        """Build the trunks that inverting and judging the four layers takes, so that no run waits for one."""
        self.trunk(SCORED_NODES)
        for layer in LAYERS:
            self.trunk(layer)
            for is_warm in (False, True):
                self._optimised_trunk(layer, load_settings(layer, is_warm=is_warm))

    def trunk(self, nodes: str) -> Trunk:
        """Give the frozen trunk that stops at these nodes, built on first use."""
        return self._models.trunk(nodes)

    def target(self, picture: Picture, nodes: str) -> Features:
        """Compute the features that a reconstruction from these nodes may see, and nothing else."""
        with torch.no_grad():
            return self.trunk(nodes)(self._models.place(picture.images))

    def unavailable(self, layer: str, method: str) -> str | None:
        """Say why a method cannot run for this layer, or None when it can."""
        if method not in METHODS:
            return f"Unknown method '{method}': use {', '.join(METHODS)}."
        if method == "optimiser":
            return None
        if JOINT_SEPARATOR in layer:
            return f"The {method} method inverts one layer at a time; use the optimiser for '{layer}'."
        if method in VARIANTS and self._models.decoder(layer, VARIANTS[method]) is None:
            return (
                f"The {VARIANTS[method]} decoder of {layer} is not available for these weights yet; "
                "use linear or optimiser."
            )
        return None

    def best_decoder(self, layer: str) -> str:
        """Name the method that decodes this layer at once: `decoder`, or `linear` standing in for it."""
        return "linear" if self.unavailable(layer, "decoder") else "decoder"

    def ships_linear(self, layer: str) -> bool:
        """Whether the layer's linear decoder was fitted beforehand, and not here on the example pictures."""
        return self._models.decoder(layer, LINEAR) is not None

    def decode(self, picture: Picture, layer: str, method: str = "decoder") -> Images:
        """Bring the picture back from the features of one layer in a single pass.

        Raises:
            MethodUnavailableError: there is no such decoder for this layer and these weights.
        """
        self._decoder(layer, method)
        return self.decode_features(self.target(picture, layer), layer, method)

    def decode_features(self, features: Features, layer: str, method: str = "decoder") -> Images:
        """Bring a picture back, in a single pass, from features of one layer that no picture need have.

        Raises:
            MethodUnavailableError: there is no such decoder for this layer and these weights.
        """
        decoder = self._decoder(layer, method)
        with torch.no_grad():
            return decoder(features).clamp(0, 1)

    def continue_from(self, features: Features, layer: str) -> Float[Tensor, "batch classes"]:
        """Let the network go on to its output from features of one layer that no picture need have."""
        with torch.no_grad():
            return self._models.tail(layer)(features[layer])

    def steps(
        self, picture: Picture, layer: str, method: str, settings: Settings
    ) -> Generator[Step, None, None]:
        """Invert the features of one layer, or of a joined set, step by step.

        `hybrid` starts from the best decoder's picture, `optimiser` from what the settings say.

        Raises:
            MethodUnavailableError: the method takes no steps or cannot run for this layer.
        """
        if method not in ITERATIVE_METHODS:
            raise MethodUnavailableError(f"The {method} method takes no steps; use optimiser or hybrid.")
        self._check(layer, method)
        start = self.decode(picture, layer, self.best_decoder(layer)) if method == "hybrid" else None
        trunk = self._optimised_trunk(layer, settings)
        settings = replace(settings, size=picture.images.shape[-1])
        return invert(trunk, self.target(picture, layer), settings, start=start)

    def run(
        self, picture: Picture, layer: str, method: str, settings: Settings
    ) -> Generator[Step, None, Reconstruction]:
        """Yield the steps of an optimiser or hybrid run and return the reconstruction they lead to.

        A hybrid's seconds include the decoder's pass, but nothing includes loading or fitting a model.
        """
        self._check(layer, method)
        self._optimised_trunk(layer, settings)
        notice = None
        if method == "hybrid":
            self._decoder(layer, self.best_decoder(layer))
            notice = self.start_notice(layer)
        started = time.perf_counter()
        steps = self.steps(picture, layer, method, settings)
        before = time.perf_counter() - started
        original = self._models.place(picture.images)
        made = yield from follow(steps, original, layer=layer, method=method, notice=notice)
        return replace(made, seconds=made.seconds + before)

    def reconstruct(
        self, picture: Picture, layer: str, method: str, settings: Settings | None = None
    ) -> Reconstruction:
        """Bring the picture back by any method, without looking at the steps in between.

        Iterative methods take the layer's tuned settings when none are given. The seconds are those of the
        reconstruction, models loaded.

        Raises:
            MethodUnavailableError: the method cannot run for this layer and these weights.
        """
        if method in ITERATIVE_METHODS:
            settings = settings or load_settings(layer, is_warm=method == "hybrid")
            return finish(self.run(picture, layer, method, settings))
        self._decoder(layer, method)
        started = time.perf_counter()
        images = self.decode(picture, layer, method)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return Reconstruction(layer, method, images, steps=0, seconds=time.perf_counter() - started)

    def start_notice(self, layer: str) -> str | None:
        """Say so when a hybrid run starts from the linear decoder instead of a trained one."""
        if self.best_decoder(layer) == "decoder":
            return None
        return f"{layer} starts from the linear decoder: there is no trained one for these weights yet."

    def race(
        self,
        picture: Picture,
        settings: Mapping[str, Settings],
        *,
        method: str = "optimiser",
        frames_per_second: float = FRAMES_PER_SECOND,
    ) -> Race:
        """Set up the layers that have settings to be inverted side by side, without a step taken yet."""
        steps = {layer: self.steps(picture, layer, method, chosen) for layer, chosen in settings.items()}
        return Race(
            steps, self._models.place(picture.images), method=method, frames_per_second=frames_per_second
        )

    def score(self, picture: Picture, reconstruction: Reconstruction) -> Scores:
        """Measure a reconstruction by every metric; one that cannot be had is None with its reason."""
        return self.scorer.score(reconstruction.images, picture.images, reconstruction.layer)

    def _optimised_trunk(self, layer: str, settings: Settings) -> Trunk:
        return self._models.trunk(layer, batchnorm_inputs=settings.batchnorm > 0, dtype=settings.dtype)

    def _decoder(self, layer: str, method: str) -> nn.Module:
        """Give the decoder of a one-pass method with its trunk, both loaded or fitted on first use."""
        self._check(layer, method)
        self.trunk(layer)
        if method == "linear":
            try:
                return self._models.linear(layer)
            except LinearDecoderError as error:
                raise MethodUnavailableError(f"{layer} cannot be inverted by linear: {error}") from error
        decoder = self._models.decoder(layer, VARIANTS[method])
        assert decoder is not None  # The check has looked.
        return decoder

    def _check(self, layer: str, method: str) -> None:
        if reason := self.unavailable(layer, method):
            raise MethodUnavailableError(reason)
