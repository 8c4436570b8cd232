"""Files that grow by whole lines of JSON, so that work that was cut off goes on where it was."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any


def append_line(path: Path, content: object) -> None:
    """Add a line of JSON to a file, in one write.

    The line break comes first, so that a line that a kill cut short cannot spoil the one after it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(content))


def read_lines(path: Path) -> list[Any]:
    """Read the lines that a file keeps, or none; one that was cut short counts as not written."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found
