"""The machine below: memory that evaluations take again, and downloads that give up in time.

By default glibc hands large blocks back to the system as soon as they are freed, and every evaluation frees a
few; taken anew, each page is first filled with zeros, which can cost as much as the evaluation.
"""

import ctypes
import platform
import socket
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of mallopt(3).
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
GIBIBYTE = 2**30
LARGEST_MMAP_THRESHOLD = 2**25  # Glibc refuses more.
# A machine without a network must learn so within seconds, not after the system's minutes.
DOWNLOAD_TIMEOUT_SECONDS = 5.0


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


@contextmanager
def socket_timeout(seconds: float) -> Iterator[None]:
    """Let downloads inside the block give up after so many seconds without an answer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _has_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
