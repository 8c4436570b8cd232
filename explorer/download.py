"""Downloads that show how far they are, give up when nothing more comes, and keep only the right file."""

import hashlib
import logging
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse
from urllib.request import urlopen

import torch

from explorer.errors import ExplorerError
from explorer.files import replacing

# A machine without a network must learn so within seconds, not after the system's minutes.
TIMEOUT_SECONDS = 5.0
BLOCK_BYTES = 2**20
MEGABYTE = 10**6

logger = logging.getLogger(__name__)


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
