"""The models that one process shares: trunks, decoders and linear decoders, each made once, on first use."""

from collections.abc import Callable, Hashable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

import torch
from torch import nn

from explorer.decoders.checkpoint import (
    CHECKPOINTS,
    CONSISTENT,
    FAITHFUL,
    LINEAR,
    REFINEMENT,
    Decoder,
    find_decoder,
)
from explorer.decoders.linear import LinearDecoder, linear_decoder
from explorer.decoders.mixed import MIXED, MixedDecoder
from explorer.decoders.refinement import DEFAULT_PASSES, RefinedDecoder, Refinement, find_refinement
from explorer.device import CPU
from explorer.features.backbone import Backbone
from explorer.features.convolutions import FrozenConvolution
from explorer.features.graph import trace
from explorer.features.network import survey
from explorer.features.recorded import FeaturesError, RecordedFeatures, check_shapes
from explorer.features.tail import cut_tail
from explorer.features.trunk import Features, Trunk, cut_trunk
from explorer.images import Images

FITTING = "Fitting the linear decoder of {}: {:.0%} …"
NO_CLASSIFIER = "These weights come without a classifier, so the network has no answer to compare."

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Models:
    """A backbone's trunks and decoders; safe to use from several threads at once.

    `tell` hears how far the fit of a linear decoder is, on the thread that fits it.
    """

    def __init__(
        self,
        backbone: Backbone,
        device: torch.device = CPU,
        checkpoints: Path = CHECKPOINTS,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.backbone = backbone
        self.device = device
        self._traced = trace(backbone.network)
        self.network = survey(backbone.architecture, self._traced)
        self._checkpoints = checkpoints
        self._tell = tell
        self._parts = dict[tuple[str, torch.dtype], FrozenConvolution]()
        self._sharing = Lock()
        self._trunks = _Cache[tuple[str, bool, torch.dtype], Trunk]()
        self._tails = _Cache[str, nn.Module]()
        self._decoders = _Cache[tuple[str, str], Decoder | None]()
        self._refinements = _Cache[str, Refinement | None]()
        self._linear = _Cache[str, LinearDecoder]()

    def place(self, images: Images) -> Images:
        """Bring pictures to where the models are."""
        return images.to(self.device)

    def trunk(
        self, nodes: str, *, batchnorm_inputs: bool = False, dtype: torch.dtype = torch.float32
    ) -> Trunk:
        """Return the frozen trunk that stops at these nodes and computes in this type."""

        def make() -> Trunk:
            if dtype != torch.float32:
                return self._share(self.trunk(nodes, batchnorm_inputs=batchnorm_inputs).cast(dtype))
            chosen = {"batchnorm_inputs": batchnorm_inputs, "normalisation": self.backbone.normalisation}
            cut = cut_trunk(self._traced, nodes, **chosen)
            return self._share(cut.to(self.device))

        return self._trunks.get((nodes, batchnorm_inputs, dtype), make)

    def tail(self, node: str) -> nn.Module:
        """Return the rest of the network, from one node's features to its output."""
        return self._tails.get(node, lambda: cut_tail(self._traced, node).to(self.device))

    def take(self, recorded: RecordedFeatures, layer: str) -> Features:
        """Give recorded features to a layer, once they are found to be this network's.

        Raises:
            FeaturesError: they are of other weights, or have another shape.
        """
        features = recorded.at(layer)
        for node in features:
            known = (recorded.fingerprints or {}).get(node)
            if known is not None and known != self.trunk(node).fingerprint:
                raise FeaturesError(
                    f"{recorded.name} was made by {recorded.weights or 'other weights'}, not by "
                    f"{self.backbone.name}: load those weights."
                )
        with torch.no_grad():
            expected = self.trunk(layer)(torch.zeros(1, 3, *recorded.size, device=self.device))
        check_shapes(recorded, features, expected)
        return {node: held.to(self.device) for node, held in features.items()}

    def ships(self, layer: str, variant: str) -> bool:
        """Whether a decoder of this variant, trained beforehand, fits this layer and these weights."""
        if variant == REFINEMENT:
            return self._find_refinement(layer) is not None
        if variant == MIXED:
            return self.ships(layer, FAITHFUL) and self.ships(layer, CONSISTENT)
        return self._find_decoder(layer, variant) is not None

    def decoder(self, layer: str, variant: str, passes: int = DEFAULT_PASSES) -> nn.Module | None:
        """Return the decoder of this variant, or None where there is none; a refined one looks so many times.

        A linear one that does not ship is fitted, which takes up to a minute the first time.

        Raises:
            LinearDecoderError: the linear decoder cannot be fitted at this layer.
            DecoderError: there is a refinement of another decoder.
        """
        if variant == REFINEMENT:
            return self._refined_decoder(layer, passes)
        if variant == MIXED:
            return self._mixed_decoder(layer)
        found = self._find_decoder(layer, variant)
        if found is not None or variant != LINEAR:
            return found
        return self._linear.get(layer, lambda: self._fit_linear(layer))

    def _share(self, trunk: Trunk) -> Trunk:
        """Let a trunk have the convolutions of those before it: another choice of nodes takes no memory."""
        with self._sharing:
            for name, module in list(trunk.graph.named_modules()):
                if not isinstance(module, FrozenConvolution):
                    continue
                known = self._parts.setdefault((name, module.convolution.weight.dtype), module)
                if known is not module and known.computes_as(module):
                    trunk.graph.set_submodule(name, known)
        return trunk

    def _fit_linear(self, layer: str) -> LinearDecoder:
        decoder = linear_decoder(self.trunk(layer), lambda share: self._tell(FITTING.format(layer, share)))
        return decoder.to(self.device).eval()

    def _refined_decoder(self, layer: str, passes: int) -> RefinedDecoder | None:
        decoder, refinement = self._find_decoder(layer, FAITHFUL), self._find_refinement(layer)
        if decoder is None or refinement is None:
            return None
        return RefinedDecoder(decoder, refinement, self.trunk(layer), passes)

    def _mixed_decoder(self, layer: str) -> MixedDecoder | None:
        faithful, consistent = (self._find_decoder(layer, variant) for variant in (FAITHFUL, CONSISTENT))
        return None if faithful is None or consistent is None else MixedDecoder(faithful, consistent)

    def _find_refinement(self, layer: str) -> Refinement | None:
        def find() -> Refinement | None:
            decoder = self._find_decoder(layer, FAITHFUL)
            found = None if decoder is None else find_refinement(decoder, self._checkpoints)
            return None if found is None else found.to(self.device).eval()

        return self._refinements.get(layer, find)

    def _find_decoder(self, layer: str, variant: str) -> Decoder | None:
        def find() -> Decoder | None:
            found = find_decoder(self.trunk(layer), variant, self._checkpoints, digest=self.backbone.digest)
            return None if found is None else found.to(self.device).eval()

        return self._decoders.get((layer, variant), find)


class _Cache(Generic[Key, Value]):
    """Values made once per key; a slow one holds up only those who want the same."""

    def __init__(self) -> None:
        self._values: dict[Key, Value] = {}
        self._locks: dict[Key, Lock] = {}
        self._lock = Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            if key not in self._values:
                self._values[key] = make()
            return self._values[key]
