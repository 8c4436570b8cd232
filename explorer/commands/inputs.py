"""What commands take in: numbers, layers, pictures and the lab. What they say on the way goes to stderr."""

import math
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from explorer.decoding.decode import MIN_SIDE
from explorer.decoding.square import CENTRE, Crop
from explorer.device import best_device
from explorer.errors import cut
from explorer.examples import EXAMPLES, load_example
from explorer.features.backbone import RESNET50
from explorer.features.recorded import RecordedFeatures, is_features_file, read_features
from explorer.files import give_names, printable
from explorer.images import SIZE, ImageError, Picture, read_picture
from explorer.lab.lab import Lab
from explorer.numbers import parse_between
from explorer.report.bundle import MANIFEST, TABLE

CROP_HELP = (
    "the square that is taken: its centre as shares of width and height, its side as one of the short side "
    "(default: 0.5,0.5,1)"
)
TELL_SECONDS = 3.0  # Between two lines on how far something is.
MAX_SIDE = 2048  # The memory that a step takes grows with the square of it.


def parse_side(text: str) -> int:
    """Read the side of a picture; raises ArgumentTypeError for one that is too small or too large."""
    return parse_between(text, MIN_SIDE, MAX_SIDE)


def parse_crop(text: str) -> Crop:
    """Read `X,Y,SIDE`, a square's centre and side as shares; raises ArgumentTypeError for another text."""
    try:
        return Crop.parse(text)
    except ValueError as error:
        raise ArgumentTypeError(
            "must be X,Y,SIDE from 0 to 1: the square's centre as shares of width and height, its side as "
            f"one of the short side, such as 0.5,0.3,0.6; not {cut(text)}"
        ) from error


def add_backbone(parser: ArgumentParser) -> None:
    """Describe the option that names a network."""
    parser.add_argument(
        "--backbone",
        default=RESNET50,
        help="any classification network of torchvision, or timm/NAME (default: %(default)s)",
    )


def add_square(parser: ArgumentParser) -> None:
    """Describe the options that say which square of a picture is taken, and how large it becomes."""
    parser.add_argument(
        "--size", type=parse_side, default=SIZE, help="side of the picture (default: %(default)s)"
    )
    parser.add_argument("--crop", type=parse_crop, default=CENTRE, metavar="X,Y,SIDE", help=CROP_HELP)


def split_layers(layers: str) -> list[str]:
    """Split a comma-separated list of nodes, each taken once."""
    return list(dict.fromkeys(layer.strip() for layer in layers.split(",")))


@dataclass(frozen=True, slots=True)
class Given:
    """One picture of a command: as it was given, as it is shown, and its example's name if it is one.

    The picture's own name is one that no other has, for a folder of its own beside a report.
    """

    path: str
    shown: str
    picture: Picture
    example: str | None


@dataclass(frozen=True, slots=True)
class GivenFeatures:
    """Features in a picture's place: the file as it is shown, and what it holds, by a name of its own."""

    shown: str
    picture: RecordedFeatures


def read_pictures(images: Sequence[str], size: int, crop: Crop = CENTRE) -> list[Given]:
    """Read files, or examples by name, each once; raises ImageError naming the first that cannot be used."""
    return [_read_given(path, name, size, crop) for path, name in _name(images).items()]


def read_sources(
    images: Sequence[str], size: int, layers: Sequence[str], crop: Crop = CENTRE
) -> list[Given | GivenFeatures]:
    """Read pictures as `read_pictures` does, and files of features; raises FeaturesError for one of these."""

    def read(path: str, name: str) -> Given | GivenFeatures:
        if not is_features_file(path):
            return _read_given(path, name, size, crop)
        recorded = read_features(Path(path), layers=layers, size=size)
        return GivenFeatures(printable(path), replace(recorded, name=name))

    return [read(path, name) for path, name in _name(images).items()]


def _name(images: Sequence[str]) -> dict[str, str]:
    """Give every path, taken once, a name that no other has."""
    paths = list(dict.fromkeys(images))
    names = give_names([Path(path).stem for path in paths], taken=(MANIFEST, TABLE))
    return dict(zip(paths, names, strict=True))


def _read_given(path: str, name: str, size: int, crop: Crop) -> Given:
    shown = printable(path)
    example = path if path in EXAMPLES and not Path(path).exists() else None
    try:
        read = partial(load_example, example) if example else partial(read_picture, path)
        picture = read(size=size, crop=crop)
    except ImageError as error:
        raise ImageError(f"{shown}: {error}") from error
    if picture.notice:
        say(f"{shown}: {picture.notice}")
    return Given(path, shown, replace(picture, name=name), example)


def load_lab(weights: str | None, backbone: str = RESNET50) -> Lab:
    """Load the lab with any torchvision network, and say so where other weights run than were asked for."""
    lab = Lab.load(weights, best_device(), say_at_times(), backbone=backbone)
    if lab.backbone.notice:
        say(lab.backbone.notice)
    return lab


def say_at_times(seconds: float = TELL_SECONDS) -> Callable[[str], None]:
    """Make a function that says how far something is, at once and then once in so many seconds."""
    said = [-math.inf]

    def tell(message: str) -> None:
        if (now := time.monotonic()) - said[0] >= seconds:
            said[0] = now
            say(message)

    return tell


def say(message: str) -> None:
    """Write a line to stderr, above a progress bar if there is one."""
    tqdm.write(message, file=sys.stderr)
