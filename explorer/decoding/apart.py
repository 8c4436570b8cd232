"""What a process that reads strangers' files is given of this one's environment: how to start."""

import os
from pathlib import Path

# What an interpreter needs to start where this one did.
NEEDED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG")


def bare_environment() -> dict[str, str]:
    """Make the environment of such a process; it computes with one thread."""
    environment = {name: os.environ[name] for name in NEEDED if name in os.environ}
    root = str(Path(__file__).parents[2])
    return environment | {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
