"""How much memory this process may have: by it the page bounds what it keeps, and how many runs share it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Of control groups, by which containers limit their processes.
GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
# A controller, its folder, and the file that tells the limit: in the second version of groups, in the first.
LIMITS = (("", "", "memory.max"), ("memory", "memory", "memory.limit_in_bytes"))


def available_bytes() -> int | None:
    """Return what the machine has, or what this process's control group leaves it; None where unknown."""
    return min((*_installed_bytes(), *_group_limits()), default=None)


def _installed_bytes() -> Iterator[int]:
    with suppress(AttributeError, ValueError, OSError):  # Windows has no such call.
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _group_limits() -> Iterator[int]:
    """Yield every limit on the group of this process and on those around it; Linux alone has groups."""
    lines = MEMBERSHIP.read_text().splitlines() if MEMBERSHIP.is_file() else []
    for _, controllers, place in (line.split(":", 2) for line in lines):
        for controller, folder, name in LIMITS:
            if controller not in controllers.split(","):
                continue
            # In a container the groups outside of it, which the place names, may be out of sight.
            inner = GROUPS / folder / place.lstrip("/")
            for group in (inner, *inner.parents):
                if group.is_relative_to(GROUPS) and (group / name).is_file():
                    with suppress(ValueError, OSError):  # "max", where there is none.
                        yield int((group / name).read_text())
