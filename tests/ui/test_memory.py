"""How much memory there is: the machine's, or what a control group of either version leaves a process."""

from pathlib import Path

import pytest

from explorer.ui import memory
from explorer.ui.memory import available_bytes

GIGABYTE = 2**30


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 16 GB, with a folder for its control groups."""
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PAGE_SIZE": 2**12, "SC_PHYS_PAGES": 2**22}.__getitem__)
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "cgroup")
    return tmp_path


def limit(machine: Path, membership: str, file: str, value: str) -> None:
    (machine / "cgroup").write_text(f"12:cpu,cpuacct:/\n{membership}\n")
    path = machine / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{value}\n")


def test_without_a_group_it_is_the_machine_s() -> None:
    assert available_bytes() == 16 * GIGABYTE


@pytest.mark.parametrize(
    ("membership", "file"),
    [
        ("0::/app/page", "app/page/memory.max"),
        ("0::/app/page", "app/memory.max"),
        ("4:memory:/app", "memory/app/memory.limit_in_bytes"),
        # From inside a container: the place is one of the host's.
        ("4:memory:/docker/0123", "memory/memory.limit_in_bytes"),
    ],
)
def test_a_group_s_limit_counts(machine: Path, membership: str, file: str) -> None:
    limit(machine, membership, file, str(3 * GIGABYTE))
    assert available_bytes() == 3 * GIGABYTE


def test_a_group_without_a_limit_leaves_all(machine: Path) -> None:
    limit(machine, "0::/app", "app/memory.max", "max")
    assert available_bytes() == 16 * GIGABYTE


def test_a_system_that_does_not_tell_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(memory.os, "sysconf")
    assert available_bytes() is None
