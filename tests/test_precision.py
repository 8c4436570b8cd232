"""The choice of a precision by what the processor has, and by how fast that is."""

from itertools import cycle

import pytest
import torch

from explorer import precision
from explorer.machine import CPU
from explorer.precision import Probe, fastest_precision, measure_gain

ALL = dict.fromkeys(precision.BFLOAT16_INSTRUCTIONS, True)


def test_bfloat16_without_instructions_is_not_even_measured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    monkeypatch.setattr(precision, "measure_gain", lambda _: pytest.fail("measured"))
    assert fastest_precision(CPU) == "float32"


@pytest.mark.parametrize(("gain", "chosen"), [(0.5, "float32"), (1.1, "float32"), (1.9, "bfloat16")])
def test_instructions_count_only_where_they_are_fast(
    gain: float, chosen: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: ALL)
    monkeypatch.setattr(precision, "measure_gain", lambda _: gain)
    assert fastest_precision(CPU) == chosen


def test_the_gain_is_that_of_the_best_of_both(monkeypatch: pytest.MonkeyPatch):
    speeds = {torch.bfloat16: [30.0, 90.0, 10.0], torch.float32: [20.0, 45.0, 60.0]}

    class Scripted:
        def __init__(self, _: torch.device, dtype: torch.dtype) -> None:
            self.gflops = cycle(speeds[dtype]).__next__

    monkeypatch.setattr(precision, "Probe", Scripted)
    assert measure_gain.__wrapped__(CPU) == 1.5


def test_a_probe_measures_a_speed():
    assert 0 < Probe(CPU, torch.float32).gflops() < 1e6
