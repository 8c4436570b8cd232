"""One layer in the lab: what comes back from its features, and by which method. `Lab.at` gives it."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from explorer.decoders.checkpoint import LINEAR, REFINEMENT
from explorer.decoders.mixed import MIXED
from explorer.decoders.refinement import RefinedDecoder
from explorer.decoders.regression import LinearDecoderError
from explorer.device import seconds_since
from explorer.errors import MetricUnavailable
from explorer.features.layers import JOINT_SEPARATOR
from explorer.features.recorded import RecordedFeatures
from explorer.features.trunk import Features, Trunk
from explorer.images import Images, Picture
from explorer.inversion.invert import Steps, invert
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.methods import (
    METHODS,
    REFINED,
    STARTS,
    Iterative,
    MethodUnavailableError,
    OnePass,
    is_iterative,
)
from explorer.lab.models import NO_CLASSIFIER, Models
from explorer.lab.run import Reconstruction, Run

# What is brought back: a picture, or features of one that need not be at hand.
Source = Picture | RecordedFeatures

LINEAR_START = "{layer} starts from the linear decoder: there is no trained one for these weights yet."


class LayerLab:
    """Experiments on one layer, or on a joined set of nodes; pictures are passed in and never kept."""

    def __init__(self, models: Models, layer: str, passes: int) -> None:
        self.layer = layer
        self._models = models
        self._passes = passes

    def unavailable(self, method: str) -> str | None:
        """Say why a method cannot run here with these weights, or return None when it can."""
        chosen = METHODS.get(method)
        if chosen is None:
            return f"Unknown method '{method}': use {', '.join(METHODS)}."
        if chosen == Iterative("settings"):
            return None
        if JOINT_SEPARATOR in self.layer:
            return f"The {method} method inverts one layer at a time; use the optimiser for '{self.layer}'."
        # A search begins at the linear picture if need be, and that every layer has.
        if isinstance(chosen, Iterative) or chosen.variant == LINEAR:
            return None
        if self._models.ships(self.layer, chosen.variant):
            return None
        kind = "refinement of the decoder" if chosen.variant == REFINEMENT else f"{chosen.variant} decoder"
        return f"The {kind} of {self.layer} is not available for these weights yet; use linear or optimiser."

    @property
    def best_decoder(self) -> str:
        """The method that decodes at once: `decoder`, or `linear` standing in for it."""
        return "linear" if self.unavailable("decoder") else "decoder"

    @property
    def balanced_decoder(self) -> str:
        """The method whose picture is shown at first: the mixture where there is one, or the best decoder."""
        return self.best_decoder if self.unavailable(MIXED) else MIXED

    @property
    def best_start(self) -> str:
        """The method whose picture a search starts from: the best start there is."""
        return next((method for method in STARTS if not self.unavailable(method)), STARTS[-1])

    @property
    def trunk(self) -> Trunk:
        """The frozen trunk that stops here, built on first use."""
        return self._models.trunk(self.layer)

    def optimised_trunk(self, settings: Settings) -> Trunk:
        """Return the trunk through which these settings search, built on first use."""
        needs_batchnorms, dtype = settings.uses("batchnorms"), settings.dtype_on(self._models.device)
        return self._models.trunk(self.layer, batchnorm_inputs=needs_batchnorms, dtype=dtype)

    def decoder(self, method: str = "decoder") -> nn.Module:
        """Return a one-pass method's decoder with its trunk, both loaded or fitted on first use.

        Raises:
            MethodUnavailableError: there is no such decoder of this layer for these weights.
            DecoderError: it should look again less than once.
        """
        chosen = self._available(method)
        if not isinstance(chosen, OnePass):
            raise MethodUnavailableError(f"The {method} method does not decode in one pass.")
        self._models.trunk(self.layer)
        try:
            decoder = self._models.decoder(self.layer, chosen.variant, self._passes)
        except LinearDecoderError as error:
            raise MethodUnavailableError(f"{self.layer} cannot be inverted by {method}: {error}") from error
        assert decoder is not None  # It is available.
        return decoder

    def settings(self, method: str, **changes: Any) -> Settings:  # noqa: ANN401 - as `load_settings`
        """Return the settings tuned for this layer, with changes by name; raises as `load_settings`."""
        return load_settings(self.layer, method, layers=self._models.network.layers, **changes)

    def warm(self, method: str, settings: Settings | None = None) -> None:
        """Load, or fit, all that a method needs, so that a run measures its own time alone.

        Raises:
            MethodUnavailableError: the method cannot run here.
        """
        if not is_iterative(method):
            self.decoder(method)
            return
        start = self._start(method)
        self.optimised_trunk(settings or self.settings(method))
        if start is not None:
            self.decoder(start)

    def encode(self, picture: Source) -> Features:
        """Compute the features that a reconstruction may see, and nothing else; recorded ones are there.

        Raises:
            FeaturesError: recorded features are of another network, or of no picture that it takes.
        """
        if isinstance(picture, RecordedFeatures):
            return self._models.take(picture, self.layer)
        with torch.no_grad():
            return self.trunk(self._models.place(picture.images))

    def decode(self, features: Features, method: str = "decoder") -> Images:
        """Decode features that no picture need have, without a search; raises as `decoder`."""
        decoder = self.decoder(method)
        with torch.no_grad():
            return decoder(features).clamp(0, 1)

    def continue_from(self, features: Features) -> Float[Tensor, "batch classes"]:
        """Let the network go on to its output from features that no picture need have.

        Raises:
            MetricUnavailable: its weights come without a classifier.
        """
        if not self._models.backbone.categories:
            raise MetricUnavailable(NO_CLASSIFIER)
        with torch.no_grad():
            return self._models.tail(self.layer)(features[self.layer])

    def invert(self, features: Features, method: str, settings: Settings, *, size: tuple[int, int]) -> Steps:
        """Search a picture of this height and width by features that no picture need have, step by step.

        Raises:
            MethodUnavailableError: the method takes no steps or cannot run here.
        """
        start = self._start(method)
        images = None if start is None else self.decode(features, start)
        return invert(self.optimised_trunk(settings), features, settings, start=images, size=size)

    def run(self, picture: Source, method: str, settings: Settings) -> Run:
        """Set up an inversion; its seconds include the target and a decoder's pass, but not loading a model.

        Raises:
            MethodUnavailableError: the method takes no steps or cannot run here.
        """
        self.warm(method, settings)
        started = time.perf_counter()
        steps = self.invert(self.encode(picture), method, settings, size=picture.size)
        seconds = time.perf_counter() - started
        pixels = self._models.place(picture.images) if isinstance(picture, Picture) else None
        notice = LINEAR_START.format(layer=self.layer) if self._start(method) == "linear" else None
        return Run(steps, pixels, layer=self.layer, method=method, notice=notice, seconds_before=seconds)

    def reconstruct(self, picture: Source, method: str, settings: Settings | None = None) -> Reconstruction:
        """Bring the picture back by any method, without looking at the steps in between.

        Iterative methods take the layer's tuned settings when none are given. The seconds are those of the
        reconstruction, models loaded.

        Raises:
            MethodUnavailableError: the method cannot run here.
        """
        if is_iterative(method):
            run = self.run(picture, method, settings or self.settings(method))
            for _ in run:
                pass
            return run.reconstruction()
        self.warm(method)
        started = time.perf_counter()
        images = self.decode(self.encode(picture), method)
        seconds = seconds_since(started, self._models.device)
        return Reconstruction(self.layer, method, images, evaluations=0, seconds=seconds)

    def watch_passes(self, picture: Source) -> Iterator[Reconstruction]:
        """Yield the decoder's picture, then one after each correction; the last is what `refined` gives.

        Seconds count own compute alone, from the start. Raises as `decoder`.
        """
        decoder = self.decoder(REFINED)
        assert isinstance(decoder, RefinedDecoder)  # By the table of methods.
        seconds, started = 0.0, time.perf_counter()
        for images in decoder.watch(self.encode(picture)):
            seconds += time.perf_counter() - started
            yield Reconstruction(self.layer, REFINED, images.clamp(0, 1), evaluations=0, seconds=seconds)
            started = time.perf_counter()

    def _start(self, method: str) -> str | None:
        """Name the method whose picture a search starts from, if from one; raises where it is no search."""
        chosen = self._available(method)
        if not isinstance(chosen, Iterative):
            raise MethodUnavailableError(f"The {method} method takes no steps; use optimiser or hybrid.")
        return self.best_start if chosen.start == "decoder" else None

    def _available(self, method: str) -> OnePass | Iterative:
        if reason := self.unavailable(method):
            raise MethodUnavailableError(reason)
        return METHODS[method]
