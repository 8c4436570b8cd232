"""Where a result came from: the versions of the packages that it depends on, and the git revision."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "accelerate", "datasets", "lpips", "safetensors")


def describe_environment() -> dict[str, Any]:
    """Return versions and git revision as a part of a manifest."""
    versions = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    return {"versions": versions, "revision": read_revision()}


def read_revision() -> str | None:
    """Return the checked-out commit, with ``-dirty`` for changed files; None outside a checkout."""
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
