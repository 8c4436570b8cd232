"""Where and how fast we compute: the device, its faster precision, and memory that evaluations take again.

By default glibc hands large blocks back to the system as soon as they are freed, and every evaluation frees a
few; taken anew, each page is first filled with zeros, which can cost as much as the evaluation. The precision
is chosen by what the device's instructions promise, held against a measurement.
"""

import ctypes
import platform
from functools import cache
from time import perf_counter
from typing import Literal

import torch
from torch.nn.functional import conv2d

CPU = torch.device("cpu")

# Parameters of mallopt(3).
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
GIBIBYTE = 2**30
LARGEST_MMAP_THRESHOLD = 2**25  # Glibc refuses more.

# Of x86 and of ARM processors, as torch names them. Without them bfloat16 is emulated, slowly.
BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
# Bfloat16 costs digits, so it must be worth it.
WORTHWHILE_GAIN = 1.2
TRIALS = 8
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

    @torch.no_grad()
    def gflops(self) -> float:
        """Return the speed of the better of two runs, for the first also fills the caches."""
        times = []
        for _ in range(2):
            started = perf_counter()
            conv2d(self._images, self._weight, padding=1)
            times.append(seconds_since(started, self._images.device))
        return 2 * PROBE_CHANNELS**2 * 9 * PROBE_SIDE**2 / min(times) / 1e9


def fastest_precision(device: torch.device) -> Literal["float32", "bfloat16"]:
    """Choose bfloat16 where this device has instructions for it and they are fast.

    Some processors have them at half the speed of float32: those with AVX-512's whose matrix unit (AMX) the
    virtual machine hides.
    """
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in BFLOAT16_INSTRUCTIONS):
        return "float32"
    return "bfloat16" if measure_gain(device) >= WORTHWHILE_GAIN else "float32"


@cache
def measure_gain(device: torch.device) -> float:
    """Measure, once a process, how many times as fast a convolution is in bfloat16 as in float32.

    Both are timed in turns, and the best counts, so that other load on the machine changes nothing.
    """
    half, full = Probe(device, torch.bfloat16), Probe(device, torch.float32)
    speeds = [(half.gflops(), full.gflops()) for _ in range(TRIALS)]
    return max(fast for fast, _ in speeds) / max(slow for _, slow in speeds)


def seconds_since(started: float, device: torch.device) -> float:
    """Return the seconds until the device has done what it was told to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter() - started


def _has_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
