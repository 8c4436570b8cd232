"""The command `site`: the page without a server, for a USB stick, GitHub Pages or a static Space."""

import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from explorer.browser.runtime import RuntimeUnavailableError, fetch_runtime
from explorer.commands.inputs import read_pictures
from explorer.device import best_device
from explorer.endings import importing
from explorer.examples import EXAMPLES
from explorer.features.backbone import load_backbone
from explorer.features.weights import COMPACT, EXACT
from explorer.files import writing_into
from explorer.images import SIZE
from explorer.lab.lab import Lab
from explorer.lab.models import Models


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the page; open its index.html")
    parser.add_argument(
        "images", nargs="*", metavar="IMAGE", default=EXAMPLES,
        help="picture files or examples, in their order on the page (default: all examples)",
    )  # fmt: skip
    parser.add_argument(
        "--recorded", action="store_true", help="leave out what computes a visitor's own photos"
    )
    parser.add_argument("--weights", default="IMAGENET1K_V1", help="as for reconstruct")


def run(options: Namespace) -> str:
    """Check all input, compute every picture, and write the page whole or not at all."""
    from explorer.ui.address import no_proxies

    with importing(), no_proxies():
        # Gradio takes seconds to import, and no other command needs it.
        from explorer.ui.session.app_state import AppState
        from explorer.ui.site.build import BUNDLE, INDEX, NOT_ASKED, write_site

    given = read_pictures(options.images, size=SIZE)
    pictures = {one.picture.name: (one.picture, one.example) for one in given}
    with writing_into(options.out) as folder:
        state = AppState(partial(Lab.load, options.weights, best_device()))
        state.open()
        if state.lab.backbone.notice:
            print(state.lab.backbone.notice, file=sys.stderr)
        own = NOT_ASKED if options.recorded else _write_own(state.lab.models, folder / BUNDLE)
        if isinstance(own, str) and own:
            print(own, file=sys.stderr)
        for _ in tqdm(write_site(state, pictures, folder, own), "pictures", len(pictures), disable=None):
            pass
    return f"Wrote {options.out / INDEX}"


def _write_own(models: Models, folder: Path) -> dict[str, Any] | str:
    """Write what computes a visitor's own photos, and tell what it offers, or why there is none.

    In place of the exact weights the compact ones go, which are a fifth of the size.
    """
    try:
        from explorer.browser.bundle import describe, write_bundle

        runtime = fetch_runtime()
    except (ImportError, RuntimeUnavailableError) as error:
        return f"Own photos cannot be tried on this page: {error}"
    if models.backbone.name == EXACT:
        models = Models(load_backbone(weights=COMPACT))
    for _ in tqdm(write_bundle(models, runtime, folder), "graphs", disable=None):
        pass
    return describe(models)
