"""The command `features`: what a network computes of a picture, as a file of tensors."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.commands.inputs import add_backbone, add_square, load_lab, read_pictures, split_layers
from explorer.errors import ExplorerError
from explorer.examples import EXAMPLES
from explorer.features.recorded import SUFFIX


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "image", metavar="PICTURE", help=f"picture file, or an example: {', '.join(EXAMPLES)}"
    )
    parser.add_argument(
        "--layers", help="node names, comma-separated (default: those that the network offers)"
    )
    parser.add_argument("--weights", help="a name, or a file (default: torchvision's first)")
    add_backbone(parser)
    add_square(parser)
    parser.add_argument("--out", type=Path, required=True, help=f"the file to write, {SUFFIX}")


def run(options: Namespace) -> str:
    """Check all input, compute the features and write them, whole or not at all."""
    if options.out.suffix != SUFFIX or options.out.is_dir():
        raise ExplorerError(f"--out names a file that ends in {SUFFIX}, not {options.out}.")
    (given,) = read_pictures([options.image], options.size, options.crop)
    lab = load_lab(options.weights, options.backbone)
    layers = split_layers(options.layers) if options.layers else lab.layers
    recorded = lab.record(given.picture, layers)
    try:
        recorded.write(options.out)
    except OSError as error:
        raise ExplorerError(
            f"Cannot write to {options.out}: {error.strerror}. Choose another --out."
        ) from error
    shapes = (f"{node} {' x '.join(map(str, held.shape[1:]))}" for node, held in recorded.features.items())
    return f"Wrote {options.out}: {', '.join(shapes)}"
