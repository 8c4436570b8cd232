"""The networks' weights that come with this repository, checked before they are used."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ExplorerError

FOLDER = Path(__file__).parents[1] / "checkpoints" / "backbones"


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
