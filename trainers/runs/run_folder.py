"""One run's folder: its manifest, and the state that it can be resumed from.

Every file is replaced in one step, so that a kill at any moment leaves the last whole version.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from explorer.files import replacing
from trainers.config import ConfigError
from trainers.runs.environment import describe_environment

STATE, MANIFEST = "state.pt", "manifest.json"


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Save all that a resumed run needs."""
        with replacing(self.path / STATE) as partial:
            torch.save(dict(state), partial)

    def load_state(self) -> dict[str, Any] | None:
        """Load the last saved state, or None for a new run.

        Raises:
            ConfigError: the file is cut short or damaged.
        """
        path = self.path / STATE
        if not path.is_file():
            return None
        with path.open("rb") as file:
            try:
                return torch.load(file, map_location="cpu", weights_only=True)
            except Exception as error:  # Torch's unpickler meets foreign bytes with almost any exception.
                raise ConfigError(
                    f"{path} is cut short or damaged. Put back a copy, or delete it to begin the run anew."
                ) from error

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write what is needed to repeat the run: configuration, seed, versions, data and revision."""
        with replacing(self.path / MANIFEST) as partial:
            partial.write_text(
                json.dumps({**manifest, **describe_environment()}, indent=2) + "\n", encoding="utf-8"
            )
