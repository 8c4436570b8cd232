"""Features as files: what a network has computed of a picture that need not be at hand.

One tensor a node in safetensors, never a pickle; the header says which network, weights, normalisation and
size of picture they belong to. Tensors without that header will do where node and weights are named.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from explorer.decoding.decode import MIN_SIDE
from explorer.errors import ExplorerError, cut
from explorer.features.layers import split_nodes
from explorer.features.state import begins_safetensors, is_safetensors
from explorer.features.trunk import IMAGENET, Features, Normalisation
from explorer.files import printable, replacing
from explorer.images import SIZE

SUFFIX = ".safetensors"
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".npy", ".npz", ".ckpt", ".bin")
KEY, VERSION = "explorer_features", 1
MAX_BYTES, MAX_NODES, MAX_HEADER, MAX_SIDE = 2**28, 64, 2**16, 2048
ADVICE = "Save them with safetensors.torch.save_file, one tensor a node."
DAMAGED = "{} is damaged. " + ADVICE
TOO_MANY = f"{{}} holds more than {MAX_NODES} tensors, as weights do; features have one a node."


class FeaturesError(ExplorerError):
    """A file of features that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class RecordedFeatures:
    """Features of one picture by node, each 1 x ..., of a network that `digest` and `fingerprints` tell.

    They stand in a picture's place: what needs the picture itself is missing. `size` is its height and width.
    """

    name: str
    features: Features
    size: tuple[int, int] = (SIZE, SIZE)
    weights: str | None = None
    digest: str | None = None
    fingerprints: Mapping[str, str] | None = None  # Of the trunks, by node.
    normalisation: Normalisation = IMAGENET

    def at(self, layer: str) -> Features:
        """Give the features of a layer, or of a joint set of nodes, laid out as a trunk leaves them.

        Raises:
            FeaturesError: the file holds none of a node.
        """
        for node in split_nodes(layer):
            if node not in self.features:
                raise FeaturesError(f"{self.name} holds no features of {cut(node)}: it has {self._nodes}.")
        return {node: _lay_out(self.features[node]) for node in split_nodes(layer)}

    @property
    def layers(self) -> list[str]:
        """The nodes that the file holds."""
        return list(self.features)

    @property
    def nbytes(self) -> int:
        """The memory that they take."""
        return sum(held.nbytes for held in self.features.values())

    def keep(self, layers: Sequence[str]) -> "RecordedFeatures":
        """Leave out all nodes but these, in their order.

        Raises:
            FeaturesError: the file holds none of them.
        """
        kept = {layer: self.features[layer] for layer in layers if layer in self.features}
        if not kept:
            wanted = cut(", ".join(layers))
            raise FeaturesError(f"{self.name} holds features of none of {wanted}: it has {self._nodes}.")
        return replace(self, features=kept)

    @property
    def _nodes(self) -> str:
        return cut(", ".join(map(printable, self.features)))

    def write(self, path: Path) -> None:
        """Write a file, whole or not at all, that `read_features` reads to the same bits."""
        with replacing(path) as partial:
            partial.write_bytes(self.pack())

    def pack(self) -> bytes:
        """Make the content of such a file."""
        about = {
            "version": VERSION,
            "weights": self.weights,
            "digest": self.digest,
            "fingerprints": dict(self.fingerprints or {}),
            "normalisation": asdict(self.normalisation),
            "size": self.size,
        }
        tensors = {node: held.detach().cpu().contiguous() for node, held in self.features.items()}
        return save(tensors, {KEY: json.dumps(about)})


def is_features_file(path: str | Path) -> bool:
    """Whether a file is meant to hold features: by its content, or by a suffix that no picture has."""
    path = Path(path)
    try:
        return path.suffix.lower() in (SUFFIX, *PICKLES) or (path.is_file() and is_safetensors(path))
    except OSError:
        return False


def read_features(path: Path, *, layers: Sequence[str] = (), size: int = SIZE) -> RecordedFeatures:
    """Read a file of features; one that says nothing of itself holds those of `layers`, by their names.

    Its only tensor may have any name where one layer is named. `size` is the side of its picture.

    Raises:
        FeaturesError: it is of another kind, too large, or holds what is no feature; one line says what.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FeaturesError(f"{printable(path.name)} cannot be read: {error.strerror}.") from error
    return parse_features(content, printable(path.name), layers=layers, size=size)


def parse_features(
    content: bytes, name: str, *, layers: Sequence[str] = (), size: int = SIZE, most: int = MAX_BYTES
) -> RecordedFeatures:
    """Read the content, of so many bytes at `most`, of a file of features; raises as `read_features`."""
    length = check_bounds(content, name, most)
    try:
        about = json.loads(content[8 : 8 + length]).get("__metadata__", {}).get(KEY)
        tensors = load(content)
    except (SafetensorError, ValueError, AttributeError, KeyError, RecursionError) as error:
        raise FeaturesError(DAMAGED.format(name)) from error
    return judge_features(tensors, about, name, layers=layers, size=size)


def judge_features(
    tensors: Mapping[str, Tensor],
    about: str | None,
    name: str,
    *,
    layers: Sequence[str] = (),
    size: int = SIZE,
) -> RecordedFeatures:
    """Take a file's tensors, and what its header says about them, for features; raises as `read_features`."""
    if len(tensors) > MAX_NODES:
        raise FeaturesError(TOO_MANY.format(name))
    tensors = dict(sorted(tensors.items()))
    if about is None and len(layers) == 1 and len(tensors) == 1:
        tensors = {layers[0]: next(iter(tensors.values()))}
    features = {node: _check(name, node, held) for node, held in tensors.items()}
    if not features:
        raise FeaturesError(f"{name} holds no features. {ADVICE}")
    if about is None:
        return RecordedFeatures(name, features, (size, size))
    return _read_header(name, features, about)


def check_bounds(content: bytes, name: str, most: int) -> int:
    """Look at the first bytes of a file of features, and at its size; return the bytes of its header.

    Raises:
        FeaturesError: it is no safetensors file, or larger than `most`, or its header is too long.
    """
    if len(content) > most:
        raise FeaturesError(f"{name} is larger than {most // 2**20} MB: name fewer nodes.")
    if not begins_safetensors(content):
        raise FeaturesError(f"{name} is no safetensors file; pickles are not read. {ADVICE}")
    length = int.from_bytes(content[:8], "little")
    if length > MAX_HEADER:
        raise FeaturesError(f"{name} has a longer header than {MAX_NODES} nodes take: name fewer.")
    return length


def _read_header(name: str, features: Features, about: str) -> RecordedFeatures:
    try:
        plain = json.loads(about)
        height, width = plain["size"]
        sides = (int(height), int(width))
        if not all(MIN_SIDE <= side <= MAX_SIDE for side in sides):
            raise ValueError(f"a picture of {sides} pixels")
        fingerprints = {str(node): str(found) for node, found in plain["fingerprints"].items()}
        known, weights, digest = plain["version"], plain["weights"], plain["digest"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise FeaturesError(f"{name} has a header that cannot be read. Write it again.") from error
    if known != VERSION or not all(one is None or isinstance(one, str) for one in (weights, digest)):
        raise FeaturesError(f"{name} has a header of another version than {VERSION}. Write it again.")
    return RecordedFeatures(
        name, features, sides, weights and printable(cut(weights)), digest and cut(digest), fingerprints
    )


def _check(name: str, node: str, held: Tensor) -> Tensor:
    """Return features as a batch of one in 32 bits."""
    shown = printable(cut(node))
    if not held.is_floating_point():
        raise FeaturesError(f"{name}: the features of {shown} are no floating-point numbers.")
    if not held.isfinite().all():
        raise FeaturesError(f"{name}: the features of {shown} are infinite or no number (NaN).")
    batch = held[None] if held.ndim in (1, 3) else held
    if batch.ndim not in (2, 4) or len(batch) != 1:
        raise FeaturesError(f"{name}: the features of {shown} are {_shape(held)}, not those of one picture.")
    return batch.float()


def check_shapes(recorded: RecordedFeatures, features: Features, expected: Features) -> None:
    """Raise FeaturesError where features lack the shape that a network gives pictures of their size."""
    for node, held in features.items():
        if held.shape != expected[node].shape:
            side = "x".join(map(str, recorded.size))
            raise FeaturesError(
                f"{recorded.name}: the features of {node} are {_shape(held)}, but this network gives "
                f"{_shape(expected[node])} of a picture of {side} pixels."
            )


def _lay_out(held: Tensor) -> Tensor:
    """Lay maps out in memory as trunks do, so that what reads them computes the same to the bit."""
    return held.contiguous(memory_format=torch.channels_last) if held.ndim == 4 else held


def _shape(held: Tensor) -> str:
    return " x ".join(map(str, held.shape[1:] if held.ndim > 1 and len(held) == 1 else held.shape))
