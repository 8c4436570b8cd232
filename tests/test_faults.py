"""Faults of the machine: a kill in the middle, a full disk, a clock that jumps; nothing is half-written."""

import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from explorer.files import replacing, writing_into
from tests import ROOT

DISK_BYTES = 2**20
WRITERS = {
    "replacing": "with replacing(target) as path:\n    path.write_bytes(b'new' * 1000)\n    {end}",
    "writing_into": "with writing_into(target.parent) as folder:\n"
    "    (folder / target.name).write_bytes(b'new' * 1000)\n    {end}",
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that holds one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def run(writer: str, target: Path, end: str) -> int:
    """Write in a process of its own, which ends in the middle as told; return its status."""
    code = f"import os, signal\nfrom pathlib import Path\nfrom explorer.files import {writer}\n"
    code += f"target = Path({str(target)!r})\n" + WRITERS[writer].format(end=end)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=200).returncode


@pytest.mark.parametrize("writer", WRITERS)
def test_a_kill_in_the_middle_leaves_the_old_file_and_the_next_try_works(tmp_path, writer):
    target = tmp_path / "report.json"
    target.write_bytes(b"old")
    assert run(writer, target, "os.kill(os.getpid(), signal.SIGKILL)") == -signal.SIGKILL
    assert target.read_bytes() == b"old"
    assert run(writer, target, "pass") == 0
    assert target.read_bytes() == b"new" * 1000


def test_a_full_disk_leaves_the_old_file_and_no_remains(small_disk):
    target = small_disk / "state.pt"
    target.write_bytes(b"old")
    with pytest.raises((OSError, RuntimeError)), replacing(target) as path:
        torch.save(torch.zeros(DISK_BYTES), path)
    assert [(path.name, path.read_bytes()) for path in small_disk.iterdir()] == [("state.pt", b"old")]


def test_a_full_disk_leaves_no_report_that_is_half_written(small_disk):
    with pytest.raises(OSError, match="No space left") as failure, writing_into(small_disk / "out") as folder:
        (folder / "report.json").write_text("{}")
        (folder / "sheet.png").write_bytes(bytes(2 * DISK_BYTES))
    assert failure.value.errno == errno.ENOSPC
    assert list(small_disk.iterdir()) == []


def test_no_duration_is_measured_by_a_clock_that_can_jump():
    sources = [path for room in ("explorer", "trainers") for path in (ROOT / room).rglob("*.py")]
    assert len(sources) > 50
    wall_clock = re.compile(r"\btime\.time\(|\bdatetime\.(now|utcnow)\(.*\) *-")
    assert [str(path) for path in sources if wall_clock.search(path.read_text(encoding="utf-8"))] == []
