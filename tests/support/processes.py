"""Starts a program in several processes on the CPU, as a user would with Accelerate's launcher."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 240


def launch(processes: int, *program: str) -> None:
    """Run a program, a file or ``-m`` and a module, with its words."""
    options = ["--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no"]
    options += [f"--num_processes={processes}", "--num_cpu_threads_per_process=1"]
    # The launcher behind this word is torchrun's; without a GPU its processes talk through gloo.
    options += ["--multi_gpu"] if processes > 1 else ["--cpu"]
    command = [sys.executable, "-m", "accelerate.commands.launch", *options, *program]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MASTER_PORT": "29511"}
    subprocess.run(command, cwd=ROOT, check=True, env=environment, timeout=TIMEOUT_SECONDS)
