"""Folders of pictures: found in class folders and behind links, and read although some files are none."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import PIL.Image

from explorer.decoding.decode import Decoded, ImageError
from explorer.decoding.formats import FORMATS
from explorer.decoding.pool import decode_apart
from explorer.decoding.square import Crop
from explorer.files import printable
from explorer.images import Picture, read_picture


def sort_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """List all files below a folder, in the order of their names: pictures by their ends, and others.

    Links are followed, and each folder is listed once. Hidden folders are left out, and a hidden file, such
    as macOS lays beside a photo, is no picture.
    """
    endings = {ending for ending, kind in PIL.Image.registered_extensions().items() if kind in FORMATS}
    found = sorted(_walk(folder))
    pictures = [path for path in found if path.suffix.lower() in endings and path.name[0] != "."]
    return pictures, sorted(set(found) - set(pictures))


def read_pictures_of(
    paths: Iterable[Path],
    *,
    folder: Path | None = None,
    size: int,
    skip: Callable[[str], None],
    decoder: Callable[[bytes, int, Crop], Decoded] = decode_apart,
) -> Iterator[tuple[Path, Picture]]:
    """Yield those that can be read; `skip` is told of each other one. A folder shortens their names."""
    for path in paths:
        name = printable(str(path.relative_to(folder) if folder else path))
        try:
            yield path, read_picture(path, name=name, size=size, decoder=decoder)
        except ImageError as error:
            skip(f"Skipped {name}: {error}")


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for place, below, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # A link that leads to where it is, or to a folder that has been listed.
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted(name for name in below if name[0] != ".")
        yield from (Path(place, name) for name in names)
