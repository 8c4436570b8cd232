"""Loading, or fitting, beforehand what a method needs, so that a run measures its own time alone."""

from collections.abc import Iterable

from torch import nn

from explorer.decoders.refinement import DEFAULT_PASSES
from explorer.features.trunk import Trunk
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.methods import METHODS, choose_start, find_iterative, find_one_pass, is_iterative
from explorer.lab.models import Models


def warm_trunks(models: Models, nodes: Iterable[str]) -> None:
    """Build the trunks that stop at these nodes, and those that inverting the four layers takes."""
    for stop in (*nodes, *models.layers):
        models.trunk(stop)
    for layer in models.layers:
        for method in filter(is_iterative, list(METHODS)):
            optimised_trunk(models, layer, load_settings(layer, method, layers=models.layers))


def warm(models: Models, method: str, layer: str, settings: Settings | None = None) -> None:
    """Load, or fit, all that the method needs at this layer.

    Raises:
        MethodUnavailableError: the method cannot run for this layer and these weights.
    """
    if not is_iterative(method):
        load_decoder(models, layer, method)
        return
    start = find_iterative(models, layer, method).start
    optimised_trunk(models, layer, settings or load_settings(layer, method, layers=models.layers))
    if start == "decoder":
        load_decoder(models, layer, choose_start(models, layer))


def optimised_trunk(models: Models, layer: str, settings: Settings) -> Trunk:
    """Return the trunk through which these settings optimise, built on first use."""
    needs_batchnorms, dtype = settings.uses("batchnorms"), settings.dtype_on(models.device)
    return models.trunk(layer, batchnorm_inputs=needs_batchnorms, dtype=dtype)


def load_decoder(models: Models, layer: str, method: str, passes: int = DEFAULT_PASSES) -> nn.Module:
    """Return the decoder of a one-pass method with its trunk, both loaded or fitted on first use.

    Raises:
        MethodUnavailableError: there is no such decoder for this layer and these weights.
        DecoderError: there is less than one pass.
    """
    chosen = find_one_pass(models, layer, method)
    models.trunk(layer)
    return chosen.load(models, layer, passes)
