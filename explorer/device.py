"""Where and how fast we compute: the device, its faster precision, and memory that evaluations take again.

By default glibc hands large blocks back to the system as soon as they are freed, and every evaluation frees a
few; taken anew, each page is first filled with zeros, which can cost as much as the evaluation. The precision
is chosen by what the device's instructions promise, held against a measurement; that is made once a machine
and kept, so that the same command gives the same results.
"""

import ctypes
import hashlib
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import median
from time import get_clock_info, perf_counter, thread_time
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from explorer.cache import find, keep

CPU = torch.device("cpu")

# Parameters of mallopt(3).
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
GIBIBYTE = 2**30
LARGEST_MMAP_THRESHOLD = 2**25  # Glibc refuses more.

# Of x86 and of ARM processors, as torch names them. Without them bfloat16 is emulated, slowly.
BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
# This one is a matrix unit, which no processor has at the speed of float32.
MATRIX_INSTRUCTIONS = "amx_bf16"
# Bfloat16 costs digits, so it must be worth it, and by more than the twentieth by which the figure varies.
WORTHWHILE_GAIN = 1.2
TRIALS = 25
# A thread's own time is not that of its neighbours. Where its clock is coarse (Windows) the wall's has to do.
MAX_TICK_SECONDS = 1e-5
# One 3x3 convolution of ResNet-50's second stage: typical work, and large enough to fill the vector units.
PROBE_CHANNELS, PROBE_SIDE = 128, 28


def best_device() -> torch.device:
    """Choose the GPU where there is one."""
    return torch.device("cuda") if torch.cuda.is_available() else CPU


def keep_freed_memory() -> None:
    """Let this process, all of its threads, keep up to 1 GiB of freed memory; does nothing without glibc."""
    if not _has_glibc():
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
    mallopt(TRIM_THRESHOLD, GIBIBYTE)
    # A thread's own arena is given back in whole heaps, whatever the threshold.
    mallopt(ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Give the system back what has been freed, after a run or once models are loaded."""
    if _has_glibc():
        ctypes.CDLL(None).malloc_trim(0)


class Probe:
    """A convolution to measure a device by."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        images = torch.rand(1, PROBE_CHANNELS, PROBE_SIDE, PROBE_SIDE, device=device, dtype=dtype)
        self._images = images.to(memory_format=torch.channels_last)
        self._weight = torch.rand(PROBE_CHANNELS, PROBE_CHANNELS, 3, 3, device=device, dtype=dtype)

    def gflops(self) -> float:
        """Return the speed of the better of two runs, for the first also fills the caches."""
        return 2 * PROBE_CHANNELS**2 * 9 * PROBE_SIDE**2 / min(self.seconds() for _ in range(2)) / 1e9

    @torch.no_grad()
    def seconds(self, clock: Callable[[], float] = perf_counter) -> float:
        """Return what one run takes by this clock."""
        started = clock()
        conv2d(self._images, self._weight, padding=1)
        _await(self._images.device)
        return clock() - started


@dataclass(frozen=True, slots=True)
class Gain:
    """How many times as fast as float32 bfloat16 is, as it is kept on disk."""

    times: Tensor


def fastest_precision(device: torch.device) -> Literal["float32", "bfloat16"]:
    """Choose bfloat16 where this device has instructions for it and they are fast.

    Some processors have them at half the speed of float32: those with AVX-512's whose matrix unit (AMX) the
    virtual machine hides. Where no measurement can be kept, each process would make its own, and results
    would differ from one to the next; there only a matrix unit counts.
    """
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    gain = bfloat16_gain()
    is_fast = _capabilities().get(MATRIX_INSTRUCTIONS) if gain is None else gain >= WORTHWHILE_GAIN
    return "bfloat16" if is_fast else "float32"


def describe_precision(device: torch.device) -> str:
    """Say which precision is chosen, and by which figure where one was measured."""
    gain = None if device.type == "cuda" else bfloat16_gain()
    figure = "" if gain is None else f" (bfloat16 is {gain:.1f} times as fast here)"
    return fastest_precision(device) + figure


def bfloat16_gain() -> float | None:
    """Return how many times as fast as float32 bfloat16 is on this processor, measured once and kept on disk.

    None where nothing is measured: the processor has no instructions for it, or nothing can be kept.
    """
    capabilities = _capabilities()
    has_instructions = any(capabilities.get(name) for name in BFLOAT16_INSTRUCTIONS)
    return _kept_gain(_name_processor(capabilities)) if has_instructions else None


@cache
def _kept_gain(processor: str) -> float | None:
    key = f"bfloat16-gain-{processor}"
    kept = find(key, Gain)
    if kept is None:
        measured = Gain(torch.tensor(measure_gain()))
        # Another process may have been faster; then its figure counts for both.
        kept = find(key, Gain) or (measured if keep(key, {"times": measured.times}) else None)
    return None if kept is None else kept.times.item()


def measure_gain() -> float:
    """Measure how many times as fast a convolution is in bfloat16 as in float32.

    Both run in turns by the clock of this thread, and the median of their ratios counts: beside neighbours
    that keep the processor busy, the figure moves by a twentieth. (By the wall's clock it moved tenfold.)
    """
    is_fine = get_clock_info("thread_time").resolution <= MAX_TICK_SECONDS
    clock = thread_time if is_fine else perf_counter
    half, full = Probe(CPU, torch.bfloat16), Probe(CPU, torch.float32)
    times = [(half.seconds(clock), full.seconds(clock)) for _ in range(TRIALS)]
    return median(full_seconds / half_seconds for half_seconds, full_seconds in times)


def _capabilities() -> Mapping[str, Any]:
    return torch.cpu.get_capabilities()


def _name_processor(capabilities: Mapping[str, Any]) -> str:
    """Hash what the gain depends on: the processor, its instructions, and the version of torch."""
    what = sorted((name, value) for name, value in capabilities.items() if not name.startswith("num_"))
    return hashlib.sha256(repr((what, torch.__version__)).encode()).hexdigest()[:12]


def seconds_since(started: float, device: torch.device) -> float:
    """Return the seconds until the device has done what it was told to."""
    _await(device)
    return perf_counter() - started


def _await(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _has_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
