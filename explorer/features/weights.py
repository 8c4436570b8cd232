"""Networks' weights: their names, which files are known by their digest, and where each is looked for."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import huggingface_hub
import torch
import torchvision.models
from torchvision.models import ResNet50_Weights, WeightsEnum, get_model_weights, list_models

from explorer.features.state import State, WeightsError, read_state
from explorer.weight_files import RESNET50_COMPACT, DownloadError, download, hub_file

RESNET50 = "resnet50"
MAX_BYTES = 680_000_000  # Of networks to compare with, VGG-19 and ResNeXt-101 (64x4d) among them.
# Most of their weights are a classifier's, which no trunk has.
LARGE_CLASSIFIERS = ("alexnet", "vgg")
EXACT = ResNet50_Weights.IMAGENET1K_V1.name
COMPACT, COMPACT_NAME = "compact", Path(RESNET50_COMPACT.name).stem
UNTRAINED = "untrained"
OWN_FILE = "a file of your own"
DIGEST_LENGTH = 8  # As many hexadecimal digits as torchvision puts into its file names.
# The same tensors as torchvision's file; README.md names it, so that a Space brings it when it is built.
HUB_REPOSITORY, HUB_FILE = "timm/resnet50.tv_in1k", "model.safetensors"
# Through these the compact weights are exact.
EXACT_TENSORS = ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.0.conv1.")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights, and the name and digest of the weights in it."""

    path: Path
    name: str
    digest: str
    read: Callable[[Path], State] = read_state

    @property
    def is_own(self) -> bool:
        """Whether nobody but the user knows what is in it."""
        return self.name.endswith(f"({OWN_FILE})")


def known_names(architecture: str) -> list[str]:
    """List the names of a network's weights."""
    return [*list_weights(architecture), *([COMPACT] if architecture == RESNET50 else []), UNTRAINED]


def list_weights(architecture: str) -> dict[str, WeightsEnum]:
    """List torchvision's weights of a network by name. Raises WeightsError for an unknown network."""
    known = list_models(module=torchvision.models)
    if architecture not in known:
        close = get_close_matches(architecture, known, n=3) or ("resnet18", "vgg16", "convnext_tiny")
        raise WeightsError(f"Unknown backbone '{architecture}'. Did you mean {', '.join(close)}?")
    return {entry.name: entry for entry in get_model_weights(architecture)}


def check_weights_name(architecture: str, weights: str) -> None:
    """Raise WeightsError unless the weights have a name; the path of a file is none, whatever lies there."""
    known = known_names(architecture)
    if weights not in known:
        raise WeightsError(f"Unknown weights '{weights}' of {architecture}: use {', '.join(known)}.")


def count_bytes(architecture: str) -> int:
    """Return how much memory a network's weights take.

    Raises:
        WeightsError: it is unknown, or with its trunk, which gets weights of its own, would fill the memory.
    """
    first, *_ = list_weights(architecture).values()
    nbytes = first.meta["num_params"] * torch.float32.itemsize
    needed = nbytes if architecture.startswith(LARGE_CLASSIFIERS) else 2 * nbytes
    if needed > MAX_BYTES:
        raise WeightsError(
            f"{architecture} is too large here: it takes {needed // 10**6} MB, and {MAX_BYTES // 10**6} MB "
            "are kept for a network. Name a smaller one."
        )
    return nbytes


def known_digest(weights: WeightsEnum) -> str:
    """Return the start of the SHA-256 of torchvision's file, which stands in its name."""
    return hub_file(weights.url).stem.split("-")[-1]


def identify(path: Path, read: Callable[[Path], State] = read_state) -> WeightsFile:
    """Look a file up by its digest: torchvision's, the compact one, or the user's own."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = {known_digest(weights): weights.name for weights in ResNet50_Weights}
    known[RESNET50_COMPACT.sha256[:DIGEST_LENGTH]] = COMPACT_NAME
    digest = digest[:DIGEST_LENGTH]
    return WeightsFile(path, known.get(digest, f"{path.name} ({OWN_FILE})"), digest, read)


def find_named(weights: WeightsEnum, network: str, tell: Callable[[str], None]) -> WeightsFile:
    """Find torchvision's weights in torch hub's cache, ResNet-50's in Hugging Face's too, or download them.

    A damaged file is passed over; a download takes its place.

    Raises:
        DownloadError: they are in no cache, and why they could not be downloaded.
    """
    path = hub_file(weights.url)
    if path.is_file() and (found := _identify_sound(path, known_digest(weights))):
        return found
    cached = _find_in_hub_cache() if weights is ResNet50_Weights[EXACT] else None
    if cached is not None:
        return cached
    title = "ResNet-50" if isinstance(weights, ResNet50_Weights) else network
    try:
        download(weights.url, path, known_digest(weights), lambda come: tell(f"Downloading {title}: {come}"))
    except DownloadError as error:
        if path.is_file():
            raise DownloadError(f"{error}; {path.name} in the weights cache is damaged") from error
        raise
    return identify(path)


def find_compact() -> WeightsFile:
    """Return the copy that comes with this repository.

    Raises:
        BundledFileError: it is missing or altered.
    """
    path = RESNET50_COMPACT.locate()
    return WeightsFile(path, COMPACT_NAME, RESNET50_COMPACT.sha256[:DIGEST_LENGTH])


def _identify_sound(path: Path, digest: str) -> WeightsFile | None:
    """Identify a cached file; None for one that is damaged, such as a pointer that Git LFS leaves."""
    found = identify(path)
    if found.digest == digest:
        return found
    return found if _read_cached(path) is not None else None


def _read_cached(path: Path) -> State | None:
    try:
        return read_state(path)
    except WeightsError as error:
        logger.warning("%s is passed over: %s", path, error)
        return None


def _find_in_hub_cache() -> WeightsFile | None:
    """Look for the exact weights in Hugging Face's cache; a file there that is not V1's is passed over."""
    cached = huggingface_hub.try_to_load_from_cache(HUB_REPOSITORY, HUB_FILE)
    if not isinstance(cached, str):
        return None
    path = Path(cached)
    state = _read_cached(path)
    if state is None:
        return None
    if not _is_exact(state):
        logger.warning("%s does not hold the weights of %s, so it is not used.", path, EXACT)
        return None
    return WeightsFile(path, EXACT, known_digest(ResNet50_Weights[EXACT]))


def _is_exact(state: State) -> bool:
    """Whether the weights are V1's, as far as the copy in this repository can tell."""
    expected = read_state(find_compact().path)
    names = [
        name
        for name in expected
        if name.startswith(EXACT_TENSORS) and not name.endswith("num_batches_tracked")
    ]
    return all(
        name in state and torch.equal(state[name], expected[name].to(state[name].dtype)) for name in names
    )
