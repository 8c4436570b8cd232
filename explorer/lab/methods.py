"""The methods that bring a picture back. `METHODS` is the one table of them.

The command line, the API, the page and reports read it: another method is another entry.
"""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from explorer.decoders.checkpoint import CONSISTENT, FAITHFUL, LINEAR, REFINEMENT
from explorer.decoders.refinement import DEFAULT_PASSES
from explorer.decoders.regression import LinearDecoderError
from explorer.errors import ExplorerError
from explorer.features.layers import JOINT_SEPARATOR
from explorer.lab.models import Models


class MethodUnavailableError(ExplorerError):
    """A method that cannot run for this layer and these weights; the message says why."""


@dataclass(frozen=True, slots=True)
class OnePass:
    """A decoder's single pass: which variant, and the few words by which a visitor chooses it."""

    variant: str
    label: str

    def explain_absence(self, models: Models, layer: str) -> str | None:
        """Say why there is no such decoder of this layer, or return None where there is one."""
        if self.variant == LINEAR or models.ships(layer, self.variant):
            return None
        kind = "refinement of the decoder" if self.variant == REFINEMENT else f"{self.variant} decoder"
        return f"The {kind} of {layer} is not available for these weights yet; use linear or optimiser."

    def load(self, models: Models, layer: str, passes: int = DEFAULT_PASSES) -> nn.Module:
        """Return the decoder, loaded or fitted on first use; a refined one looks again so many times.

        Raises:
            MethodUnavailableError: there is none, or none can be fitted.
        """
        try:
            decoder = models.decoder(layer, self.variant, passes)
        except LinearDecoderError as error:
            raise MethodUnavailableError(f"{layer} cannot be inverted by linear: {error}") from error
        if decoder is None:
            raise MethodUnavailableError(self.explain_absence(models, layer))
        return decoder


@dataclass(frozen=True, slots=True)
class Iterative:
    """The optimiser's search, from what the settings say or from a decoder's picture."""

    start: Literal["settings", "decoder"]

    def explain_absence(self, models: Models, layer: str) -> str | None:  # noqa: ARG002 - as OnePass
        """Say nothing: the search runs everywhere, if need be from the linear decoder's picture."""
        return None


REFINED = "refined"

METHODS: dict[str, OnePass | Iterative] = {
    "decoder": OnePass(FAITHFUL, "faithful: least squared error"),
    "consistent": OnePass(CONSISTENT, "consistent: what the network sees too"),
    REFINED: OnePass(REFINEMENT, "refined: looks again, and corrects"),
    "optimiser": Iterative("settings"),
    "hybrid": Iterative("decoder"),
    "linear": OnePass(LINEAR, "linear: what can be read off"),
}

# Where the search starts. A refined picture is the closest; a consistent one, a decibel further off, ends
# with a lower LPIPS (.272 for .307, 8 tuning pictures, layer3) and feature error. The last is always there.
STARTS = (REFINED, "consistent", "decoder", "linear")


def is_iterative(method: str) -> bool:
    """Whether a method takes steps, and settings."""
    return isinstance(METHODS.get(method), Iterative)


def explain_unavailable(models: Models, layer: str, method: str) -> str | None:
    """Say why a method cannot run for this layer, or return None when it can."""
    chosen = METHODS.get(method)
    if chosen is None:
        return f"Unknown method '{method}': use {', '.join(METHODS)}."
    if chosen == Iterative("settings"):
        return None
    if JOINT_SEPARATOR in layer:
        return f"The {method} method inverts one layer at a time; use the optimiser for '{layer}'."
    return chosen.explain_absence(models, layer)


def choose_decoder(models: Models, layer: str) -> str:
    """Name the method that decodes this layer at once: `decoder`, or `linear` standing in for it."""
    return "linear" if explain_unavailable(models, layer, "decoder") else "decoder"


def choose_start(models: Models, layer: str) -> str:
    """Name the method whose picture of this layer a search starts from: the best start there is."""
    possible = (method for method in STARTS if not explain_unavailable(models, layer, method))
    return next(possible, STARTS[-1])


def explain_start(models: Models, layer: str, method: str) -> str | None:
    """Say so when a search starts from the linear decoder instead of a trained one."""
    if METHODS[method] != Iterative("decoder") or choose_start(models, layer) != "linear":
        return None
    return f"{layer} starts from the linear decoder: there is no trained one for these weights yet."


def find_one_pass(models: Models, layer: str, method: str) -> OnePass:
    """Return a method that decodes at once; raises MethodUnavailableError if it cannot run for this layer."""
    chosen = _find(models, layer, method)
    if not isinstance(chosen, OnePass):
        raise MethodUnavailableError(f"The {method} method does not decode in one pass.")
    return chosen


def find_iterative(models: Models, layer: str, method: str) -> Iterative:
    """Return a method that takes steps; raises MethodUnavailableError if it cannot run for this layer."""
    chosen = _find(models, layer, method)
    if not isinstance(chosen, Iterative):
        raise MethodUnavailableError(f"The {method} method takes no steps; use optimiser or hybrid.")
    return chosen


def _find(models: Models, layer: str, method: str) -> OnePass | Iterative:
    if reason := explain_unavailable(models, layer, method):
        raise MethodUnavailableError(reason)
    return METHODS[method]
