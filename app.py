"""Open the explorer's page: parse options, build the lab behind the page, launch."""

import argparse
import os
from contextlib import suppress

# All must be set before gradio is imported; the page sends nothing about its visitors anywhere.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Gradio would sum up all its events with pandas after each of them; monitoring is off, so nobody reads that.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**31))

# On a Space whose GPU is lent by the call, this must come before torch.
with suppress(ImportError):
    import spaces  # noqa: F401  # pyright: ignore[reportMissingImports]

from explorer.decoding.pool import start_decoders
from explorer.features.zoo import RESNET50
from explorer.lab.lab import Lab
from explorer.machine import CPU, best_device, keep_freed_memory
from explorer.ui.launch import launch_options
from explorer.ui.page import build_page
from explorer.ui.session.app_state import AppState
from explorer.ui.session.queue import DEFAULT_LIMITS, Limits
from explorer.ui.session.zero_gpu import is_lent


def main() -> None:
    """Run the page until it is interrupted."""
    options = parse_options()
    start_decoders()
    keep_freed_memory()
    # A lent GPU is there for races alone; everything else runs on the CPU.
    device = CPU if is_lent() else best_device()
    limits = Limits(waiting=options.runs, per_address=options.runs_per_address)
    backbone = options.backbone
    state = AppState(lambda: Lab.load(options.weights, device, state.loading.tell, backbone=backbone), limits)
    page = build_page(state).queue(api_open=False)
    state.open()
    page.launch(
        server_name=options.host,
        server_port=options.port,
        share=options.share or None,
        **launch_options(),
    )


def parse_options() -> argparse.Namespace:
    """Read the command line; what is not given is left to Gradio's environment variables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--weights", default="IMAGENET1K_V1", help="torchvision name, a file, 'compact' or 'untrained'"
    )
    parser.add_argument(
        "--backbone", default=RESNET50, help="resnet18 to resnet152, or another ResNet of torchvision"
    )
    parser.add_argument(
        "--host", help="address to listen on (default: GRADIO_SERVER_NAME or this machine only)"
    )
    parser.add_argument(
        "--port", type=int, help="port (default: GRADIO_SERVER_PORT or the first free from 7860)"
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=DEFAULT_LIMITS.waiting,
        help="runs under way or waiting, at most (%(default)s)",
    )
    parser.add_argument(
        "--runs-per-address",
        type=int,
        default=DEFAULT_LIMITS.per_address,
        help="of these from one address (%(default)s; behind a proxy set FORWARDED_ALLOW_IPS)",
    )
    parser.add_argument("--share", action="store_true", help="open a public link through Gradio's relay")
    return parser.parse_args()


if __name__ == "__main__":
    main()
