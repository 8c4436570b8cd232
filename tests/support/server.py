"""The app in a process of its own, with a temporary folder of its own, and what it takes of the machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil

from tests.support.memory import join

ROOT = Path(__file__).parents[2]
START_SECONDS = 180.0
MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server holds at one moment."""

    megabytes: float
    private_megabytes: float  # Without the pages of files, which the system can take back and read again.
    threads: int
    handles: int
    files: int


@dataclass(frozen=True)
class Server:
    """A running app."""

    address: str
    process: psutil.Process
    folder: Path

    def measure(self) -> Usage:
        """Measure the process and its children together, and count its temporary files."""
        processes = [self.process, *self.process.children(recursive=True)]
        memory = [one.memory_info() for one in processes]
        return Usage(
            sum(one.rss for one in memory) / MEGABYTE,
            sum(one.rss - one.shared for one in memory) / MEGABYTE,
            self.process.num_threads(),
            self.process.num_fds(),
            sum(path.is_file() for path in self.folder.rglob("*")),
        )


@contextmanager
def serving(folder: Path, weights: str, *options: str, group: Path | None = None) -> Iterator[Server]:
    """Start the app, in a group of limited memory if given, wait until it answers; end it with the block."""
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
    }
    command = [sys.executable, "app.py", "--weights", weights, *options]
    with (
        (folder.parent / "server.log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=group and partial(join, group),
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "http" in line)
            address = line[line.index("http") :].strip()
            _wait(address)
            yield Server(address, psutil.Process(process.pid), folder)
        finally:
            process.terminate()


def _wait(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if health(address).get("is_ready"):
            return
        time.sleep(1)
    raise TimeoutError("The app has not become ready.")


def health(address: str) -> dict:
    """Ask the app how it is."""
    api = f"{address.rstrip('/')}/gradio_api/call/health"
    event = httpx.post(api, json={"data": []}, timeout=60).json()["event_id"]
    answer = httpx.get(f"{api}/{event}", timeout=60).text
    data = next(line for line in answer.splitlines() if line.startswith("data:"))
    return json.loads(data.removeprefix("data:"))[0]
