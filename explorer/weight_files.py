"""Files of weights: those that come with this repository, checked before use, and those that are downloaded.

A download shows how far it is, gives up when nothing more comes, and keeps only the right file.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse
from urllib.request import urlopen

import torch

from explorer.errors import ExplorerError
from explorer.files import replacing

FOLDER = Path(__file__).parents[1] / "checkpoints" / "backbones"

# A machine without a network must learn so within seconds, not after the system's minutes.
TIMEOUT_SECONDS = 5.0
BLOCK_BYTES = 2**20
MEGABYTE = 10**6

logger = logging.getLogger(__name__)


class BundledFileError(ExplorerError):
    """A file of this repository that is missing or altered; the message says how to restore it."""


@dataclass(frozen=True, slots=True)
class BundledFile:
    """A file of weights and the SHA-256 that it must have."""

    name: str
    sha256: str

    def locate(self) -> Path:
        """Return the file's path.

        Raises:
            BundledFileError: it is missing, truncated or altered.
        """
        path = FOLDER / self.name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != self.sha256:
            what = "altered" if path.is_file() else "missing"
            restore = f"git checkout -- {path.relative_to(FOLDER.parents[1])}"
            raise BundledFileError(f"{self.name} of this repository is {what}; restore it: {restore}")
        return path


# Sources and licences: checkpoints/README.md.
RESNET50_COMPACT = BundledFile(
    "resnet50-v1-compact.pth", "9a82c9b2449cb3fb33a70edcb765ebde2496343b6a0a4574569586267abd03b0"
)
ALEXNET = BundledFile(
    "alexnet-features.safetensors", "18264e8d2bd17fdfc6d82bfda78e8e7f0fcd70c831d766bf84a41164ded1e449"
)
SQUEEZENET = BundledFile(
    "squeezenet1_1-features.safetensors", "2eda44ddf020ec87de6b7e5d20983a846d8f62ceecfd59435dc3baac90495e4d"
)


class DownloadError(ExplorerError):
    """A file that could not be had; the message says why, and names neither path nor exception."""


def hub_file(url: str) -> Path:
    """Return where torch hub keeps what it downloads from this address, whether or not it is there."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def download(url: str, path: Path, digest: str, tell: Callable[[str], None]) -> None:
    """Bring a file whose SHA-256 begins with `digest` to this path, whole or not at all.

    `tell` hears how many megabytes have come.

    Raises:
        DownloadError: no answer, no data for TIMEOUT_SECONDS, another file than the one wanted, or a folder
            that cannot be written. The log has the details.
    """
    try:
        with replacing(path) as partial:
            with partial.open("wb") as file:
                found = _copy(url, file, tell)
            if not found.startswith(digest):
                raise DownloadError("another file came; a proxy may have answered in the server's place")
    except (OSError, HTTPException) as error:
        logger.warning("Could not download %s to %s: %s", url, path, error)
        raise DownloadError(_explain(error)) from error


def _copy(url: str, file: IO[bytes], tell: Callable[[str], None]) -> str:
    """Write what an address answers and return its SHA-256."""
    digest, count = hashlib.sha256(), 0
    with urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
        size = int(answer.headers.get("Content-Length") or 0)
        of_size = f" of {size / MEGABYTE:.0f}" if size else ""
        while block := answer.read1(BLOCK_BYTES):
            file.write(block)
            digest.update(block)
            count += len(block)
            tell(f"{count / MEGABYTE:.0f}{of_size} MB")
    if count < size:
        raise DownloadError("the connection broke off")
    return digest.hexdigest()


def _explain(error: Exception) -> str:
    """Say what went wrong in words that a visitor of the page may read."""
    cause = error.reason if isinstance(error, URLError) else error
    match cause:
        case TimeoutError():
            return f"no data came for {TIMEOUT_SECONDS:.0f} seconds"
        case _ if isinstance(error, HTTPError):
            return f"the server answered {error.code}"
        case _ if isinstance(error, URLError):
            return "the server cannot be reached"
        case ConnectionError() | HTTPException():
            return "the connection broke off"
        case OSError():
            return f"the weights cache cannot be written ({cause.strerror})"
    return "it failed"
