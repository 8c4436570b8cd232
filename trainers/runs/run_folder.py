"""One run's folder: its state for resuming, its history, its manifest, and its loss curve.

Every file is replaced in one step, so that a kill at any moment leaves the last whole version.
"""

import csv
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from explorer.files import replacing

STATE = "state.pt"
HISTORY = "history.csv"
MANIFEST = "manifest.json"
CURVE = "loss.png"
VERSIONED_PACKAGES = ("torch", "torchvision", "accelerate", "datasets", "lpips", "safetensors")


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.rows: list[dict[str, float]] = []

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Save the run's state, history included, and the history once more as a table."""
        with replacing(self.path / STATE) as partial:
            torch.save({**state, "history": self.rows}, partial)
        self._write_history()

    def load_state(self) -> dict[str, Any] | None:
        """Load the last saved state, or None for a new run."""
        path = self.path / STATE
        if not path.is_file():
            return None
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.rows = state.pop("history")
        return state

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write what is needed to repeat the run: configuration, seed, versions, data and revision."""
        with replacing(self.path / MANIFEST) as partial:
            partial.write_text(json.dumps({**manifest, **environment()}, indent=2) + "\n")

    def draw_curve(self) -> None:
        """Draw the loss terms and the validation PSNR over the steps."""
        from matplotlib.figure import Figure  # Slow to import, and needed only here.

        figure = Figure(figsize=(8, 4), layout="constrained")
        axis = figure.add_subplot(xlabel="step", ylabel="loss", yscale="log")
        for name in sorted(
            {name for row in self.rows for name in row} - {"step", "psnr_db", "learning_rate"}
        ):
            points = [(row["step"], row[name]) for row in self.rows if name in row]
            axis.plot(*zip(*points, strict=True), label=name)
        axis.legend(loc="upper right")
        if points := [(row["step"], row["psnr_db"]) for row in self.rows if "psnr_db" in row]:
            right = axis.twinx()
            right.plot(*zip(*points, strict=True), "k.-")
            right.set_ylabel("validation PSNR, dB")
        figure.savefig(self.path / CURVE, dpi=100)

    def _write_history(self) -> None:
        names = sorted({name for row in self.rows for name in row}, key=lambda name: (name != "step", name))
        with replacing(self.path / HISTORY) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.rows)


def environment() -> dict[str, Any]:
    """Tell the versions and the git revision that a result came from."""
    return {
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in VERSIONED_PACKAGES},
        "revision": git_revision(),
    }


def git_revision() -> str | None:
    """Tell the checked-out commit, with ``-dirty`` for changed files; None outside a checkout."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()
