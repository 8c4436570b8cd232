"""The device: how a precision is chosen, and freed memory, which stays with the process until returned."""

import subprocess
import sys
from itertools import cycle

import pytest
import torch

from explorer import device
from explorer.device import CPU, Probe, _has_glibc, fastest_precision, measure_gain

ALL = dict.fromkeys(device.BFLOAT16_INSTRUCTIONS, True)
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


def test_bfloat16_without_instructions_is_not_even_measured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    monkeypatch.setattr(device, "measure_gain", lambda _: pytest.fail("measured"))
    assert fastest_precision(CPU) == "float32"


@pytest.mark.parametrize(("gain", "chosen"), [(0.5, "float32"), (1.1, "float32"), (1.9, "bfloat16")])
def test_instructions_count_only_where_they_are_fast(
    gain: float, chosen: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: ALL)
    monkeypatch.setattr(device, "measure_gain", lambda _: gain)
    assert fastest_precision(CPU) == chosen


def test_the_gain_is_that_of_the_best_of_both(monkeypatch: pytest.MonkeyPatch):
    speeds = {torch.bfloat16: [30.0, 90.0, 10.0], torch.float32: [20.0, 45.0, 60.0]}

    class Scripted:
        def __init__(self, _: torch.device, dtype: torch.dtype) -> None:
            self.gflops = cycle(speeds[dtype]).__next__

    monkeypatch.setattr(device, "Probe", Scripted)
    assert measure_gain.__wrapped__(CPU) == 1.5


def test_a_probe_measures_a_speed():
    assert 0 < Probe(CPU, torch.float32).gflops() < 1e6
