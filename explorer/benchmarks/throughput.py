"""A race's throughput on this machine: one layer at a time or several, alone or beside a busy process."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

from explorer.benchmarks.timing import Machine, count_gflop
from explorer.images import Picture
from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab
from explorer.lab.race import Race
from explorer.lab.workers import count_workers

METHOD = "optimiser"
WARM_UP_SHARE = 0.2  # Of the measured seconds, before they begin.
BUSY = "while True: pass"


@dataclass(frozen=True, slots=True)
class RaceThroughput:
    """What all layers of a race together get done beside so many busy processes of the same priority.

    The share is that of the machine's convolution rate in the same precision, measured alone.
    """

    workers: int
    neighbours: int
    evaluations_per_second: float
    gflops: float
    share_of_rate: float


def measure_throughput(
    lab: Lab, picture: Picture, settings: Mapping[str, Settings], machine: Machine, seconds: float
) -> Iterator[RaceThroughput]:
    """Race the layers for so long by one worker and by as many as the machine takes, alone and beside one."""
    endless = {
        layer: replace(chosen.settle(lab.device), evaluations=None, seconds=None, patience=None)
        for layer, chosen in settings.items()
    }
    for neighbours in (0, 1):
        for workers in sorted({1, count_workers(len(endless), lab.device)}):
            with _busy_processes(neighbours):
                yield _measure(lab, picture, endless, machine, workers, neighbours, seconds)


def _measure(
    lab: Lab,
    picture: Picture,
    settings: Mapping[str, Settings],
    machine: Machine,
    workers: int,
    neighbours: int,
    seconds: float,
) -> RaceThroughput:
    runs = {layer: lab.at(layer).run(picture, METHOD, chosen) for layer, chosen in settings.items()}
    race = Race(runs, method=METHOD, workers=workers)
    *_, before = race.frames(WARM_UP_SHARE * seconds)
    started = perf_counter()
    *_, after = race.frames(seconds)
    elapsed = perf_counter() - started
    evaluations = gflop = share = 0.0
    for layer, panel in after.panels.items():
        known = before.panels[layer].record.evaluations if layer in before.panels else 0
        taken = panel.record.evaluations - known
        work = taken * count_gflop(lab.trunk(layer), picture.images)
        evaluations, gflop = evaluations + taken, gflop + work
        share += work / machine.rate(settings[layer].precision)
    return RaceThroughput(workers, neighbours, evaluations / elapsed, gflop / elapsed, share / elapsed)


@contextmanager
def _busy_processes(count: int) -> Iterator[None]:
    """Keep so many processes busy while the block runs."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
