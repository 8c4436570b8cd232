"""The command `site`: the page without a server, for a USB stick, GitHub Pages or a static Space."""

import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from explorer.commands.inputs import read_pictures
from explorer.device import best_device
from explorer.endings import importing
from explorer.examples import EXAMPLES
from explorer.files import writing_into
from explorer.images import SIZE
from explorer.lab.lab import Lab


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the page; open its index.html")
    parser.add_argument(
        "images", nargs="*", metavar="IMAGE", default=EXAMPLES,
        help="picture files or examples, in their order on the page (default: all examples)",
    )  # fmt: skip
    parser.add_argument("--weights", default="IMAGENET1K_V1", help="as for reconstruct")


def run(options: Namespace) -> str:
    """Check all input, compute every picture, and write the page whole or not at all."""
    with importing():
        # Gradio takes seconds to import, and no other command needs it.
        from explorer.ui.session.app_state import AppState
        from explorer.ui.site.build import INDEX, write_site

    given = read_pictures(options.images, size=SIZE)
    pictures = {one.picture.name: (one.picture, one.example) for one in given}
    with writing_into(options.out) as folder:
        state = AppState(partial(Lab.load, options.weights, best_device()))
        state.open()
        if state.lab.backbone.notice:
            print(state.lab.backbone.notice, file=sys.stderr)
        for _ in tqdm(write_site(state, pictures, folder), "pictures", len(pictures), disable=None):
            pass
    return f"Wrote {options.out / INDEX}"
