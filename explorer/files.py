"""Files and folders that are written whole or not at all, and files named by strangers, read with care."""

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import ExplorerError

# What a file system takes in a name of its own, with room for a number behind it.
MAX_NAME_BYTES = 240
# Halves of a pair, by which Python keeps the bytes of a name that is not UTF-8, and control characters.
UNSHOWN = re.compile("[\ud800-\udfff\x00-\x1f\x7f-\x9f]")

REFUSED = "This file was not uploaded here, or is gone. Upload it again."


class FolderError(ExplorerError):
    """A folder that cannot be written; the message names it."""


class FileRefusedError(ExplorerError):
    """A file that strangers may not have read; the message tells nothing of what lies at its path."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside this one to write to; it takes this one's place if the block ends without error.

    Every process has a path of its own, so that two may write the same file, and the later one stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def writing_into(out: Path) -> Iterator[Path]:
    """Give a hidden folder whose content moves into `out` when the block ends well, and vanishes if not.

    Files of `out` with the same names are replaced; others stay. Raises FolderError at once, before the
    block runs, when `out` cannot be written.
    """
    for place in (out, *out.absolute().parents):
        if place.is_symlink() and not place.exists():
            raise FolderError(
                f"{place} leads to {place.readlink()}, which is not there. Make it, or choose another --out."
            )
    anchor = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    try:
        staging = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=anchor))
    except OSError as error:
        raise FolderError(f"Cannot write to {out}: {error.strerror}. Choose another --out folder.") from error
    try:
        yield staging
        _move_files(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def printable(name: str) -> str:
    """Write a name as valid text of one line: what cannot be shown of it becomes `_`."""
    return UNSHOWN.sub("_", name)


def give_names(names: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """Make names of files or folders, each its own and none of those `taken`, whatever the case of letters.

    None is empty, hidden, or leads elsewhere, as the stem of `...jpg` would.
    """
    known = {name.casefold() for name in taken}
    given: list[str] = []
    for wanted in names:
        kept = printable(wanted).encode()[:MAX_NAME_BYTES].decode(errors="ignore")
        own = name = kept.replace("/", "_").strip(". ") or "picture"
        number = 2
        while name.casefold() in known:
            name, number = f"{own}-{number}", number + 1
        known.add(name.casefold())
        given.append(name)
    return given


def is_below(folder: Path, path: str) -> bool:
    """Whether a path lies below a folder, all links resolved."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except ValueError:  # A null character.
        return False


def read_below(folder: Path, path: str, limit_bytes: int) -> bytes:
    """Read the first `limit_bytes` + 1 bytes of a regular file below a folder.

    Never waits, as opening a pipe would, and never reads a device.

    Raises:
        FileRefusedError: it is no such file, or cannot be read.
    """
    try:
        content = _read_regular(os.path.realpath(path), limit_bytes + 1) if is_below(folder, path) else None
    except OSError as error:
        raise FileRefusedError(REFUSED) from error
    if content is None:
        raise FileRefusedError(REFUSED)
    return content


def _read_regular(path: str, limit_bytes: int) -> bytes | None:
    """Read the beginning of a regular file; give None for anything else that has a name."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit_bytes) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _check_free(destination: Path) -> None:
    """Raise FolderError where a folder has the file's name, or a file the name of one of its folders."""
    blockers = [folder for folder in destination.parents if folder.exists() and not folder.is_dir()]
    if destination.is_dir():
        blockers.append(destination)
    if blockers:
        kind = "folder" if blockers[0].is_dir() else "file"
        raise FolderError(
            f"The {kind} {blockers[0]} is in the way of the report. Choose another --out folder."
        )


def _move_files(source: Path, out: Path) -> None:
    """Move files one by one, the tables last: a report that is there has all its pictures."""
    files = sorted(
        (path for path in source.rglob("*") if path.is_file()), key=lambda path: (path.parent == source, path)
    )
    destinations = [out / path.relative_to(source) for path in files]
    for destination in destinations:
        _check_free(destination)
    for path, destination in zip(files, destinations, strict=True):
        destination.parent.mkdir(parents=True, exist_ok=True)
        _move(path, destination)


def _move(path: Path, destination: Path) -> None:
    try:
        path.replace(destination)
    except OSError as error:
        if error.errno != errno.EXDEV:  # A folder of `out` may lie on another disk.
            raise
        with replacing(destination) as partial:
            shutil.copyfile(path, partial)
