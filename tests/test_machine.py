"""Freed memory stays with the process until it is returned."""

import subprocess
import sys

import pytest

from explorer.machine import _has_glibc

PROGRAM = """
import resource, time
import psutil, torch
from explorer.machine import keep_freed_memory, return_freed_memory

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


@pytest.mark.skipif(not _has_glibc(), reason="needs glibc")
def test_freed_memory_is_taken_again_and_returned_when_asked() -> None:
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=120
    ).stdout
    faults_again, returned = map(int, output.split())
    assert faults_again < 1000  # Taken anew, 80 MB are 20,000 pages.
    assert returned > 40e6
