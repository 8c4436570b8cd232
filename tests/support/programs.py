"""Whole programs in processes of their own, as a system starts, interrupts and ends them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests import ROOT

START_SECONDS = 240.0  # Importing torch and building the layers, on a busy machine.


def start(
    *words: str,
    folder: Path,
    limit: Callable[[], None] | None = None,
    more: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start Python with these words, and with this folder for its temporary files."""
    own = {key: value for key, value in os.environ.items() if key != "GRADIO_TEMP_DIR"}  # That of the tests.
    environment = {**own, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", **(more or {})}

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored where the tests run behind nohup.
        if limit is not None:
            limit()

    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=prepare,
    )


def finish(process: subprocess.Popen[str], seconds: float = START_SECONDS) -> tuple[int, str]:
    """Wait for the end; return the status and everything that was written."""
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, output


def interrupt(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, float]:
    """Send the signal; return the status, the output and the seconds until the end."""
    started = time.perf_counter()
    process.send_signal(number)
    try:
        process.wait(START_SECONDS)
        seconds = time.perf_counter() - started
    finally:
        status, output = finish(process)
    return status, output, seconds
