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
from torch.nn import functional

from explorer.decoders.checkpoint import CHECKPOINTS
from explorer.decoders.linear import LinearDecoder, LinearDecoderError, LinearMap
from explorer.features.trunk import Features
from explorer.files import replacing
from explorer.images import Images

BLOCKS_FILE = CHECKPOINTS / "resnet50-v1" / "blocks-linear.safetensors"
MAX_NUMBERS = 490_000  # With the means and biases a node stays below one megabyte in half precision.
MAX_STRIDE = 32  # Pixels of the picture below one cell, by side.
# Ridge strengths, relative to the mean variance of the regressors, of which the held-out pictures choose.
RIDGES = (1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0)
# Every fifth batch is held out for that choice.
HELD_OUT = 5
# Positions used of each batch: shallow maps have more than a tall regression needs.
MAX_ROWS = 4096
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
        self._nodes: dict[str, _Regression] = {}
        self._batches = 0

    @torch.no_grad()
    def add(self, images: Images) -> None:
        """Take a batch of pictures into account.

        Raises:
            LinearDecoderError: a node has no map that divides the picture, or too coarse a one.
        """
        for node, features in self._trunk(images).items():
            if node not in self._nodes:
                self._nodes[node] = _Regression(features.float(), images)
            is_held_out = self._batches % HELD_OUT == HELD_OUT - 1
            self._nodes[node].add(features.float(), images, is_held_out=is_held_out)
        self._batches += 1

    def solve(self, node: str) -> NodeMap:
        """Compute one node's map; raises LinearDecoderError before the first held-out batch."""
        if self._batches < HELD_OUT:
            raise LinearDecoderError(f"A fit needs {HELD_OUT} batches of pictures, not {self._batches}.")
        return self._nodes[node].solve()


def save_maps(maps: Mapping[str, NodeMap], path: Path, *, fingerprint: str, about: str) -> None:
    """Write maps in half precision, with the fingerprint of the trunk that has all of their nodes."""
    tensors = {
        f"{node}{SEPARATOR}{name}": getattr(fitted, name).half().contiguous()
        for node, fitted in maps.items()
        for name in NodeMap.__slots__
    }
    header = json.dumps({"nodes": list(maps), "fingerprint": fingerprint, "about": about})
    with replacing(path) as partial:
        save_file(tensors, partial, metadata={METADATA: header})


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
        tensors = load_file(path)
        return {
            node: NodeMap(**{name: tensors[f"{node}{SEPARATOR}{name}"] for name in NodeMap.__slots__})
            for node in header["nodes"]
        }
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise LinearDecoderError(
            f"{path} is no readable file of linear maps ({error!r}); delete it to fit them again."
        ) from error


class _Regression:
    """The normal equations of one node, over the pictures that are fitted and over those held out."""

    def __init__(self, features: Float[Tensor, "batch ..."], images: Images) -> None:
        if features.ndim != 4 or images.shape[-1] % features.shape[-1]:
            shape = tuple(features.shape[1:])
            raise LinearDecoderError(f"A linear decoder needs maps that divide the picture, not {shape}.")
        self.stride = images.shape[-1] // features.shape[-1]
        if self.stride > MAX_STRIDE:
            raise LinearDecoderError(
                f"A cell for {self.stride} pixels by side is too coarse: {MAX_STRIDE} at most."
            )
        self.mean = features.mean(dim=(0, 2, 3))
        self.std = features.std(dim=(0, 2, 3)).clamp_min(1e-3 * float(features.std()) + 1e-8)
        size = features.shape[1] + 1
        self.gram = torch.zeros(2, size, size, dtype=torch.float64)
        self.moment = torch.zeros(2, size, 3 * self.stride**2, dtype=torch.float64)
        self.generator = torch.Generator().manual_seed(0)

    def add(self, features: Tensor, images: Images, *, is_held_out: bool) -> None:
        standardised = (features - self.mean.view(1, -1, 1, 1)) / self.std.view(1, -1, 1, 1)
        x = standardised.movedim(1, -1).flatten(0, 2)
        y = functional.pixel_unshuffle(images, self.stride).movedim(1, -1).flatten(0, 2)
        chosen = torch.randperm(len(x), generator=self.generator)[:MAX_ROWS]
        x, y = torch.cat([x[chosen], x.new_ones(len(chosen), 1)], dim=1), y[chosen]
        self.gram[int(is_held_out)] += (x.T @ x).cpu()
        self.moment[int(is_held_out)] += (x.T @ y).cpu()

    def solve(self) -> NodeMap:
        best = min(RIDGES, key=self._held_out_error)
        weights = self._ridge(self.gram.sum(0), self.moment.sum(0), best)
        basis = self._basis(weights)
        outer = basis[:, : self._rank()]
        weight, constant = weights[:-1].T, weights[-1]
        gram = self.gram.sum(0)
        centre = weight @ (gram[-1, :-1] / gram[-1, -1]) + constant  # The mean prediction stays as it is.
        bias = centre + outer @ (outer.T @ (constant - centre))
        return NodeMap(
            self.mean.cpu(), self.std.cpu(), (outer.T @ weight).float(), outer.float(), bias.float()
        )

    def _held_out_error(self, ridge: float) -> float:
        """Compute the squared error on the held-out pictures, but for a constant, from their sums alone."""
        weights = self._ridge(self.gram[0], self.moment[0], ridge).float()
        gram, moment = self.gram[1].float(), self.moment[1].float()
        return float((weights * (gram @ weights)).sum() - 2 * (weights * moment).sum())

    def _ridge(self, gram: Tensor, moment: Tensor, ridge: float) -> Tensor:
        penalised = gram.clone()
        penalised.diagonal()[:-1] += ridge * gram.diagonal()[:-1].mean()  # The constant is not shrunk.
        return torch.cholesky_solve(moment, torch.linalg.cholesky(penalised))

    def _basis(self, weights: Tensor) -> Tensor:
        """Compute the directions of the predictions' largest variances, largest first (Izenman 1975)."""
        gram = self.gram.sum(0)
        count, sums = gram[-1, -1], gram[-1, :-1]
        covariance = (gram[:-1, :-1] - torch.outer(sums, sums) / count) / count
        predicted = weights[:-1].T @ covariance @ weights[:-1]
        return torch.linalg.eigh(predicted).eigenvectors.flip(1)

    def _rank(self) -> int:
        patch, channels = self.moment.shape[2], self.gram.shape[1] - 1
        return min(patch, channels, MAX_NUMBERS // (patch + channels))
