"""The machine below: its devices, and memory that evaluations take again.

By default glibc hands large blocks back to the system as soon as they are freed, and every evaluation frees a
few; taken anew, each page is first filled with zeros, which can cost as much as the evaluation.
"""

import ctypes
import platform

import torch

CPU = torch.device("cpu")

# Parameters of mallopt(3).
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
GIBIBYTE = 2**30
LARGEST_MMAP_THRESHOLD = 2**25  # Glibc refuses more.


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


def _has_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
