"""What commands take in: numbers, layers, pictures and the lab. What they say on the way goes to stderr."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from explorer.decoding.decode import MIN_SIDE
from explorer.device import best_device
from explorer.examples import EXAMPLES, load_example
from explorer.features.backbone import RESNET50
from explorer.images import ImageError, Picture, read_picture
from explorer.lab.lab import Lab
from explorer.numbers import parse_between
from explorer.report.bundle import MANIFEST, TABLE

MAX_SIDE = 2048  # The memory that a step takes grows with the square of it.


def parse_side(text: str) -> int:
    """Read the side of a picture; raises ArgumentTypeError for one that is too small or too large."""
    return parse_between(text, MIN_SIDE, MAX_SIDE)


def split_layers(layers: str) -> list[str]:
    """Split a comma-separated list of nodes, each taken once."""
    return list(dict.fromkeys(layer.strip() for layer in layers.split(",")))


def read_pictures(images: Sequence[str], size: int) -> dict[str, Picture]:
    """Read files, or examples by name; raises ImageError naming the first that cannot be used."""
    pictures: dict[str, Picture] = {}
    for image in images:
        is_example = image in EXAMPLES and not Path(image).exists()
        try:
            picture = load_example(image, size=size) if is_example else read_picture(image, size=size)
        except ImageError as error:
            raise ImageError(f"{image}: {error}") from error
        if picture.notice:
            say(f"{image}: {picture.notice}")
        pictures[image] = picture
    return pictures


def name_folders(names: Sequence[str]) -> list[str]:
    """Give every picture a folder of its own, also where two have the same name."""
    taken = {MANIFEST, TABLE}
    folders: list[str] = []
    for name in names:
        folder, number = name, 2
        while folder.casefold() in taken:
            folder, number = f"{name}-{number}", number + 1
        taken.add(folder.casefold())
        folders.append(folder)
    return folders


def load_lab(weights: str | None, backbone: str = RESNET50) -> Lab:
    """Load the lab with any torchvision network, and say so where other weights run than were asked for."""
    lab = Lab.load(weights, best_device(), backbone=backbone)
    if lab.backbone.notice:
        say(lab.backbone.notice)
    return lab


def say(message: str) -> None:
    """Write a line to stderr, above a progress bar if there is one."""
    tqdm.write(message, file=sys.stderr)
