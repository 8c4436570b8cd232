"""The device: how a precision is chosen, and freed memory, which stays with the process until returned."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from time import get_clock_info

import pytest
import torch

from explorer import device
from explorer.device import (
    CPU,
    Probe,
    _has_glibc,
    _kept_gain,
    describe_precision,
    fastest_precision,
    measure_gain,
)

PROGRAM = """
import resource, time
import psutil, torch
from explorer.device import keep_freed_memory, return_freed_memory

faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
size = lambda: psutil.Process().memory_info().rss

def work():
    blocks = [torch.ones(1_000_000) for _ in range(20)]  # 80 MB in blocks of 4 MB.

keep_freed_memory()
for _ in range(4):  # Until the heap has found its shape.
    work()
before = faults()
work()
again = faults() - before
kept = size()
return_freed_memory()
print(again, kept - size())
"""


@pytest.mark.slow
@pytest.mark.skipif(not _has_glibc(), reason="needs glibc")
def test_freed_memory_is_taken_again_and_returned_when_asked() -> None:
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=120
    ).stdout
    faults_again, returned = map(int, output.split())
    assert faults_again < 1000  # Taken anew, 80 MB are 20,000 pages.
    assert returned > 40e6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache on a processor with instructions for bfloat16, as a new process sees it."""
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("explorer.cache._in_memory", {})
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"cpu_name": "Some", "avx512_bf16": True})
    _kept_gain.cache_clear()
    yield tmp_path / "cache"
    _kept_gain.cache_clear()


def decide(monkeypatch: pytest.MonkeyPatch, measured: float) -> str:
    """Choose as a new process does that would measure this."""
    _kept_gain.cache_clear()
    monkeypatch.setattr("explorer.cache._in_memory", {})
    monkeypatch.setattr(device, "measure_gain", lambda: measured)
    return fastest_precision(CPU)


def test_bfloat16_without_instructions_is_not_even_measured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    monkeypatch.setattr(device, "measure_gain", lambda: pytest.fail("measured"))
    assert fastest_precision(CPU) == "float32"
    assert describe_precision(CPU) == "float32"


@pytest.mark.parametrize(("gain", "chosen"), [(0.5, "float32"), (1.1, "float32"), (1.9, "bfloat16")])
def test_instructions_count_only_where_they_are_fast(
    folder: Path, gain: float, chosen: str, monkeypatch: pytest.MonkeyPatch
):
    assert decide(monkeypatch, gain) == chosen
    assert describe_precision(CPU) == f"{chosen} (bfloat16 is {gain:.1f} times as fast here)"


@pytest.mark.parametrize(("first", "later"), [(1.25, 0.3), (1.15, 7.8)])
def test_the_first_measurement_of_a_machine_counts_for_every_process(
    folder: Path, first: float, later: float, monkeypatch: pytest.MonkeyPatch
):
    chosen = decide(monkeypatch, first)
    assert [decide(monkeypatch, later) for _ in range(2)] == [chosen, chosen]
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("changed", ["processor", "torch"])
def test_another_processor_or_torch_is_measured_anew(
    folder: Path, changed: str, monkeypatch: pytest.MonkeyPatch
):
    assert decide(monkeypatch, 0.5) == "float32"
    if changed == "torch":
        monkeypatch.setattr("torch.__version__", "99.0")
    else:
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"cpu_name": "Other", "bf16": True})
    assert decide(monkeypatch, 2.0) == "bfloat16"


@pytest.mark.parametrize(("unit", "chosen"), [("avx512_bf16", "float32"), ("amx_bf16", "bfloat16")])
def test_where_nothing_can_be_kept_the_instructions_alone_decide(
    folder: Path, unit: str, chosen: str, monkeypatch: pytest.MonkeyPatch
):
    folder.write_text("a file in the folder's place")
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"cpu_name": "Some", unit: True})
    assert {decide(monkeypatch, measured) for measured in (0.3, 7.8)} == {chosen}
    assert describe_precision(CPU) == chosen


def test_a_damaged_figure_is_measured_anew(folder: Path, monkeypatch: pytest.MonkeyPatch):
    decide(monkeypatch, 0.5)
    (file,) = folder.iterdir()
    file.write_bytes(b"damaged")
    assert decide(monkeypatch, 2.0) == "bfloat16"


def test_the_gain_is_the_median_of_ratios_in_turns(monkeypatch: pytest.MonkeyPatch):
    seconds = {torch.bfloat16: [1.0, 9.0, 1.0, 2.0, 1.0], torch.float32: [1.5, 1.5, 90.0, 3.0, 1.5]}

    class Scripted:
        def __init__(self, _: torch.device, dtype: torch.dtype) -> None:
            self._seconds = cycle(seconds[dtype])

        def seconds(self, _: Callable[[], float]) -> float:
            return next(self._seconds)

    monkeypatch.setattr(device, "Probe", Scripted)
    assert measure_gain() == 1.5


@pytest.mark.slow
@pytest.mark.skipif(get_clock_info("thread_time").resolution > device.MAX_TICK_SECONDS, reason="coarse clock")
def test_busy_neighbours_hardly_change_the_gain() -> None:
    with busy_neighbours(2 * (os.cpu_count() or 1)):
        beside = [measure_gain() for _ in range(2)]
    assert max(beside) < 1.35 * min(beside)


def test_a_probe_measures_a_speed():
    assert 0 < Probe(CPU, torch.float32).gflops() < 1e6


@contextmanager
def busy_neighbours(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
