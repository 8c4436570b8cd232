"""Linear decoders of many nodes of one network, fitted in one pass and small enough to ship.

Every cell of a feature map is regressed on the patch of the picture below it, whatever the node, so that
nodes can be compared. The map of a node is kept at the largest rank that a megabyte holds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from explorer.decoders.checkpoint import CHECKPOINTS
from explorer.decoders.linear import LinearDecoder
from explorer.decoders.packing import pack, unpack
from explorer.decoders.regression import LinearDecoderError, LinearMap, NormalEquations
from explorer.features.trunk import Features
from explorer.files import replacing
from explorer.images import Images

BLOCKS_FILE = CHECKPOINTS / "resnet50-v1" / "blocks-linear.safetensors"
MAX_NUMBERS = 490_000  # With the means and biases a node stays below one megabyte in half precision.
# Ridge strengths, relative to the mean variance of the regressors, of which the held-out pictures choose.
RIDGES = (1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0)
# Every fifth batch is held out for that choice.
HELD_OUT = 5
FITTED, KEPT_BACK = 0, 1  # The parts of its sums.
METADATA = "node_maps"
SEPARATOR = "|"  # Between a node and the name of its tensor in the file.


@dataclass(frozen=True, slots=True)
class NodeMap:
    """A standardised cell to a patch of the picture, by way of `rank` numbers."""

    mean: Float[Tensor, "channels"]
    std: Float[Tensor, "channels"]
    inner: Float[Tensor, "rank channels"]
    outer: Float[Tensor, "patch rank"]
    bias: Float[Tensor, "patch"]

    def decoder(self, node: str) -> LinearDecoder:
        """Make the decoder that this map is."""
        tensors = {name: getattr(self, name).float() for name in NodeMap.__slots__}
        weight = (tensors["outer"] @ tensors["inner"])[:, :, None, None]
        return LinearDecoder(node, LinearMap(tensors["mean"], tensors["std"], weight, tensors["bias"]))


class JointFit:
    """Fits all nodes of a trunk, picture by picture, so that the caller can tell how far it is."""

    def __init__(self, trunk: Callable[[Images], Features]) -> None:
        self._trunk = trunk
        self._nodes: dict[str, NormalEquations] = {}
        self._batches = 0

    @torch.no_grad()
    def add(self, images: Images) -> None:
        """Take a batch of pictures into account.

        Raises:
            LinearDecoderError: a node has no map that divides the picture, or too coarse a one.
        """
        for node, features in self._trunk(images).items():
            if node not in self._nodes:
                self._nodes[node] = NormalEquations(features.float(), images, kernel=1, parts=2)
            part = KEPT_BACK if self._batches % HELD_OUT == HELD_OUT - 1 else FITTED
            self._nodes[node].add(features.float(), images, part=part)
        self._batches += 1

    def solve(self, node: str) -> NodeMap:
        """Compute one node's map; raises LinearDecoderError before the first held-out batch."""
        if self._batches < HELD_OUT:
            raise LinearDecoderError(f"A fit needs {HELD_OUT} batches of pictures, not {self._batches}.")
        return _solve(self._nodes[node])


def pack_maps(maps: Mapping[str, NodeMap]) -> dict[str, Tensor]:
    """Write maps as tensors by name, in eight bits."""
    tensors = {
        f"{node}{SEPARATOR}{name}": getattr(fitted, name)
        for node, fitted in maps.items()
        for name in NodeMap.__slots__
    }
    return pack(tensors, eight_bits=True)


def unpack_maps(**tensors: Tensor) -> dict[str, NodeMap]:
    """Read maps by node, the inverse of `pack_maps`; raises KeyError, TypeError or ValueError for others."""
    maps: dict[str, dict[str, Tensor]] = {}
    for name, tensor in unpack(tensors).items():
        node, part = name.split(SEPARATOR)
        maps.setdefault(node, {})[part] = tensor
    return {node: NodeMap(**parts) for node, parts in maps.items()}


def save_maps(maps: Mapping[str, NodeMap], path: Path, *, fingerprint: str, about: str) -> None:
    """Write maps into a file, with the fingerprint of the trunk that has all of their nodes."""
    header = json.dumps({"nodes": list(maps), "fingerprint": fingerprint, "about": about})
    with replacing(path) as partial:
        save_file(pack_maps(maps), partial, metadata={METADATA: header})


def load_maps(path: Path, *, fingerprint: str) -> dict[str, NodeMap] | None:
    """Read the maps of a trunk by node; None where the file is of another trunk, or there is no file.

    Raises:
        LinearDecoderError: the file is damaged, or no file of maps.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[METADATA])
        if header["fingerprint"] != fingerprint:
            return None
        return unpack_maps(**load_file(path))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise LinearDecoderError(
            f"{path} is no readable file of linear maps ({error!r}); delete it to fit them again."
        ) from error


def find_directions(gram: Tensor, weights: Tensor) -> Float[Tensor, "patch patch"]:
    """Compute the directions of the predictions' largest variances, largest first (Izenman 1975).

    ``gram`` is of the regressors and a constant; ``weights`` are those of each, the constant's last.
    """
    count, sums = gram[-1, -1], gram[-1, :-1]
    covariance = (gram[:-1, :-1] - torch.outer(sums, sums) / count) / count
    predicted = weights[:-1].T @ covariance @ weights[:-1]
    return torch.linalg.eigh(predicted).eigenvectors.flip(1)


def _solve(sums: NormalEquations) -> NodeMap:
    """Regress by the ridge that the held-out pictures choose, at the largest rank that fits."""
    weights = sums.solve(min(RIDGES, key=lambda ridge: _held_out_error(sums, ridge)))
    gram = sums.gram.sum(0)
    patch, channels = sums.moment.shape[2], len(gram) - 1
    outer = find_directions(gram, weights)[:, : min(patch, channels, MAX_NUMBERS // (patch + channels))]
    weight, constant = weights[:-1].T, weights[-1]
    centre = weight @ (gram[-1, :-1] / gram[-1, -1]) + constant  # The mean prediction stays as it is.
    bias = centre + outer @ (outer.T @ (constant - centre))
    tensors = (sums.mean, sums.std, outer.T @ weight, outer, bias)
    return NodeMap(*(tensor.float().cpu() for tensor in tensors))


def _held_out_error(sums: NormalEquations, ridge: float) -> float:
    """Compute the squared error on the held-out pictures, but for a constant, from their sums alone."""
    weights = sums.solve(ridge, slice(FITTED, FITTED + 1)).float()
    gram, moment = sums.gram[KEPT_BACK].float(), sums.moment[KEPT_BACK].float()
    return float((weights * (gram @ weights)).sum() - 2 * (weights * moment).sum())
