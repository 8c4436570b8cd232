"""Linear maps of channels that say what an edit of the picture does to features, fitted, packed, and found.

A map that ships is kept at a low rank, in eight bits: what the edit changes, by way of few numbers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from explorer.decoders.checkpoint import CHECKPOINTS
from explorer.decoders.node_maps import find_directions
from explorer.decoders.packing import pack, unpack
from explorer.decoders.regression import NormalEquations
from explorer.experiments.experiment import ExperimentError
from explorer.experiments.operations.edits import Maps
from explorer.files import replacing

EDITS_FILE = CHECKPOINTS / "resnet50-v1" / "edits.safetensors"
METADATA, SEPARATOR = "edit_maps", "|"  # Between a node, an edit and the name of a tensor.
RIDGE = 1e-2  # Of the mean variance: towards the matrix that changes nothing.


@dataclass(frozen=True, slots=True)
class ChannelMap:
    """A linear map of channels, the same at every position, with a constant."""

    matrix: Float[Tensor, "channels channels"]
    bias: Float[Tensor, "channels"]

    def __call__(self, maps: Maps) -> Maps:
        """Map every position's channels."""
        mapped = torch.einsum("kc,bcyx->bkyx", self.matrix.to(maps), maps)
        return mapped + self.bias.to(maps)[:, None, None]


@dataclass(frozen=True, slots=True)
class LowRankMap:
    """What an edit changes: features, each divided by its spread, to `rank` numbers, and those to all."""

    spread: Float[Tensor, "channels"]
    inner: Float[Tensor, "rank channels"]
    outer: Float[Tensor, "channels rank"]
    bias: Float[Tensor, "channels"]

    def expand(self) -> ChannelMap:
        """Make the whole matrix."""
        change = self.outer @ self.inner / self.spread
        return ChannelMap(change + torch.eye(len(change)), self.bias)


class EditFit:
    """Regresses what some edits change in the features of one node on the features, batch by batch."""

    def __init__(self, edits: Sequence[str]) -> None:
        self._edits = edits
        self._sums: NormalEquations | None = None

    @torch.no_grad()
    def add(self, features: Maps, edited: Mapping[str, Maps]) -> None:
        """Take a batch into account: its features, and those of the same pictures after each edit."""
        changes = torch.cat([edited[edit] - features for edit in self._edits], dim=1)
        self._sums = self._sums or NormalEquations(features, changes, kernel=1)
        self._sums.add(features, changes)

    def solve(self, rank: int) -> dict[str, LowRankMap]:
        """Compute the map of each edit that has this rank and predicts most (reduced-rank regression).

        Raises:
            ExperimentError: nothing has been added.
        """
        if self._sums is None:
            raise ExperimentError("A matrix of an edit needs pictures.")
        solutions = self._sums.solve(RIDGE).chunk(len(self._edits), dim=1)
        return {
            edit: _reduce(self._sums, solution, rank)
            for edit, solution in zip(self._edits, solutions, strict=True)
        }


def _reduce(sums: NormalEquations, solution: Float[Tensor, "regressors channels"], rank: int) -> LowRankMap:
    gram, weight, constant = sums.gram.sum(0), solution[:-1].T, solution[-1]
    outer = find_directions(gram, solution)[:, :rank]
    inner = outer.T @ weight
    centre = weight @ (gram[-1, :-1] / gram[-1, -1]) + constant  # The mean change stays as it is.
    bias = centre + outer @ (outer.T @ (constant - centre))
    bias -= outer @ (inner @ (sums.mean / sums.std).double())
    return LowRankMap(sums.std.float(), inner.float(), outer.float(), bias.float())


def save_maps(
    maps: Mapping[tuple[str, str], LowRankMap], path: Path, *, fingerprints: Mapping[str, str], about: str
) -> None:
    """Write maps by node and edit into a file, with the fingerprints of the nodes' trunks."""
    tensors = {}
    for (node, edit), fitted in maps.items():
        tensors[f"{node}{SEPARATOR}spread"] = fitted.spread
        for name in ("inner", "outer", "bias"):
            tensors[SEPARATOR.join((node, edit, name))] = getattr(fitted, name)
    header = json.dumps({"fingerprints": dict(fingerprints), "about": about})
    with replacing(path) as partial:
        save_file(pack(tensors, eight_bits=True), partial, metadata={METADATA: header})


def find_map(node: str, edit: str, fingerprint: str, path: Path = EDITS_FILE) -> ChannelMap | None:
    """Find the map of an edit at a node that ships for a trunk; None where none does.

    Raises:
        ExperimentError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[METADATA])
        names = [SEPARATOR.join((node, edit, name)) for name in ("inner", "outer", "bias")]
        if header["fingerprints"].get(node) != fingerprint:
            return None
        tensors = unpack(load_file(path))
        if names[0] not in tensors:
            return None
        return LowRankMap(tensors[f"{node}{SEPARATOR}spread"], *(tensors[name] for name in names)).expand()
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExperimentError(
            f"{path.name} is no readable file of edits ({error!r}); delete it to fit them again."
        ) from error
