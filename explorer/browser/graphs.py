"""Graphs in ONNX of our own objects: encode, decode, parameters of a picture, evaluation with gradient.

Inputs and outputs have names; pictures are RGB in [0, 1] with the batch of one, as everywhere.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import onnx
import torch
from onnx.utils import Extractor
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from explorer.browser.backward import DECOMPOSITIONS
from explorer.features.trunk import Trunk
from explorer.images import SIZE
from explorer.inversion.objective import Objective
from explorer.inversion.parameterisations import CosineTransform, Spectrum

OPSET = 18
PICTURE = "picture"

Graph = onnx.ModelProto


def export_encoders(trunk: Trunk) -> dict[str, Graph]:
    """Export a trunk of several layers as a graph for each: from the layer before it, or from the picture."""
    whole = _export(lambda images: tuple(trunk(images).values()), {PICTURE: _picture()}, trunk.nodes)
    extractor = Extractor(onnx.shape_inference.infer_shapes(whole))
    before = (PICTURE, *trunk.nodes)
    return {
        layer: extractor.extract_model([start], [layer])
        for start, layer in zip(before, trunk.nodes, strict=False)
    }


def export_decoder(decoder: nn.Module, layer: str, features: Tensor) -> Graph:
    """Export a decoder: features, of which these are an example, to the picture."""
    return _export(lambda maps: decoder({layer: maps}).clamp(0, 1), {layer: features}, [PICTURE])


def export_answer(tail: nn.Module, layer: str, features: Tensor) -> Graph:
    """Export what the network says of the last layer's features: the probability of each class."""
    return _export(lambda maps: tail(maps).softmax(1), {layer: features}, ["probabilities"])


def export_lpips(model: nn.Module) -> Graph:
    """Export LPIPS, the distance of two pictures."""
    inputs = {PICTURE: _picture(), "original": _picture().flip(2)}
    return _export(
        lambda images, original: model(images, original, normalize=True).flatten(), inputs, ["lpips"]
    )


def export_start() -> Graph:
    """Export the change from a picture to the parameters that stand for it, by the spectrum's decay."""

    transform = CosineTransform(SIZE, SIZE)

    def encode(images: Tensor, decay: Tensor) -> Tensor:
        return Spectrum(transform, decay).encode(images)

    return _export(encode, {PICTURE: _picture(), "decay": torch.ones(())}, ["parameters"])


def export_evaluation(trunk: Trunk, target: Tensor, terms: Sequence[str]) -> Graph:
    """Export the objective with its gradient at one layer; `terms` names the direction and priors in it.

    Inputs are parameters, target, start (what closeness refers to), the terms' weights and the decay; outputs
    the gradient, the picture, and the losses: feature, the terms, out_of_range, total.
    """
    (layer,) = trunk.nodes
    transform = CosineTransform(SIZE, SIZE)

    def evaluate(parameters: Tensor, target: Tensor, start: Tensor, weights: Tensor, decay: Tensor):  # noqa: ANN202
        given = dict(zip(terms, weights.unbind(), strict=True))
        direction = given.pop("direction", 0.0)
        objective = Objective(trunk, {layer: target}, direction=direction, priors=given, start=start)
        found = objective.differentiate(parameters, Spectrum(transform, decay))
        return found.gradient, found.images, torch.stack(list(found.terms.values()))

    inputs = {
        "parameters": torch.zeros(1, 3, SIZE, SIZE),
        "target": target,
        "start": _picture(),
        "weights": torch.ones(len(terms)),
        "decay": torch.ones(()),
    }
    with _without_layouts():
        traced = make_fx(evaluate, decomposition_table=DECOMPOSITIONS)(*inputs.values())
    return _export(traced, inputs, ["gradient", PICTURE, "losses"])


def list_losses(terms: Sequence[str]) -> list[str]:
    """Name the losses that an evaluation gives, in their order."""
    direction = [term for term in terms if term == "direction"]
    return ["feature", *direction, *(t for t in terms if t != "direction"), "out_of_range", "total"]


def _picture() -> Tensor:
    return torch.linspace(0.1, 0.9, 3 * SIZE * SIZE).view(1, 3, SIZE, SIZE)


class _Function(nn.Module):
    """A function as the module that the exporter asks for; it keeps the module that the function calls."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> object:
        return self.function(*inputs)


def _export(function: Callable[..., object], inputs: dict[str, Tensor], outputs: Sequence[str]) -> Graph:
    with _without_layouts(), torch.no_grad():
        program = torch.onnx.export(
            _Function(function).eval(),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    for node in graph.graph.node:
        node.ClearField("metadata_props")
        if node.op_type == "MaxPool":
            del node.output[1:]  # Places of maxima, which nobody reads.
    del graph.graph.value_info[:]
    return graph


@contextmanager
def _without_layouts() -> Iterator[None]:
    """Compute by PyTorch's ordinary convolutions, which alone can be exported, and export without chatter."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "torch.onnx", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="TF32 acceleration")  # Of the flags themselves.
            with torch.backends.mkldnn.flags(enabled=False):
                yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
