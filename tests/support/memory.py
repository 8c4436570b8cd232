"""A limit on a process's memory, where the system lets this one set one, and what it takes over time."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import matplotlib.pyplot as plt
import psutil

# The second version of control groups, and the first.
GROUPS = {Path("/sys/fs/cgroup"): "memory.max", Path("/sys/fs/cgroup/memory"): "memory.limit_in_bytes"}
EVERY_SECONDS = 2.0


@contextmanager
def limited_memory(limit_bytes: int) -> Iterator[Path | None]:
    """Make a group whose processes together have so much memory; None where none can be made."""
    group = next(filter(None, (_make(root, name, limit_bytes) for root, name in GROUPS.items())), None)
    try:
        yield group
    finally:
        if group is not None:
            with suppress(OSError):  # A process may take a moment to end.
                group.rmdir()


def _make(root: Path, name: str, limit_bytes: int) -> Path | None:
    group = root / f"explorer-soak-{os.getpid()}"
    try:
        group.mkdir()
        with (group / name).open("r+") as limit:  # The system has made it, if this is a folder of groups.
            limit.write(str(limit_bytes))
    except OSError:
        with suppress(OSError):
            group.rmdir()
        return None
    return group


def join(group: Path) -> None:
    """Put this process and those that it starts into a group."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


@contextmanager
def sampling(measure: Callable[[], float]) -> Iterator[list[tuple[float, float]]]:
    """Measure now and then for as long as the block lasts; gives pairs of seconds and what was measured."""
    samples: list[tuple[float, float]] = []
    is_over, began = Event(), time.monotonic()

    def sample() -> None:
        while not is_over.wait(EVERY_SECONDS):
            with suppress(psutil.Error):  # A process has ended while it was looked at.
                samples.append((time.monotonic() - began, measure()))

    thread = Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()


def draw_curve(samples: list[tuple[float, float]], limit_megabytes: float, file: Path) -> None:
    """Draw megabytes over minutes, with the limit."""
    figure, axes = plt.subplots(figsize=(8, 4))
    axes.plot([seconds / 60 for seconds, _ in samples], [megabytes for _, megabytes in samples])
    axes.axhline(limit_megabytes, linestyle="--", color="black")
    axes.set(xlabel="minutes", ylabel="memory of the server, MB", ylim=(0, 1.05 * limit_megabytes))
    figure.savefig(file)
    plt.close(figure)
