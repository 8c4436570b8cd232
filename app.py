"""Open the explorer's page: parse options, then serve the page until the process is ended."""

import argparse
import os
import threading

from explorer.endings import (
    SUCCESS,
    accept_any_terminal,
    check_system,
    end_at_once,
    end_on_signals,
    explain,
    hold_temporary_files,
)
from explorer.numbers import parse_positive
from explorer.ui.address import Address, no_proxies

# Names that the page answers to beside this machine's, separated by commas, where no option can be given.
ALLOWED_HOSTS = "EXPLORER_ALLOWED_HOSTS"
OWN_WEIGHTS = "EXPLORER_OWN_WEIGHTS"


def main() -> int:
    """Serve the page; return the exit status if it cannot be."""
    accept_any_terminal()
    options = parse_options()
    threading.excepthook = _end_if_explained
    try:
        check_system()
        address = Address.choose(options.host, options.port)
        with hold_temporary_files() as clean_up:
            end_on_signals(clean_up)
            _serve(options, address)
    except Exception as error:
        status = explain(error)
        if status is None:
            raise
        return status
    return SUCCESS


def parse_options() -> argparse.Namespace:
    """Read the command line; what is not given is left to Gradio's environment variables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--weights",
        help="torchvision name, a file, 'untrained', or resnet50's 'compact' (default: torchvision's first)",
    )
    parser.add_argument(
        "--backbone",
        help="any classification network of torchvision whose maps divide the picture (default: resnet50)",
    )
    parser.add_argument(
        "--host", help="address to listen on (default: GRADIO_SERVER_NAME or this machine only)"
    )
    parser.add_argument(
        "--port", type=int, help="port (default: GRADIO_SERVER_PORT or the first free from 7860)"
    )
    parser.add_argument(
        "--runs", type=parse_positive, help="runs under way or waiting, at most (default: 60)"
    )
    parser.add_argument(
        "--runs-per-address",
        type=parse_positive,
        help="of these from one address (default: 40; behind a proxy set FORWARDED_ALLOW_IPS)",
    )
    parser.add_argument(
        "--own-weights",
        action="store_true",
        help="let visitors lay down weights of their own, also where others than this machine's users come "
        f"({OWN_WEIGHTS}=1 where no option can be given)",
    )
    parser.add_argument("--share", action="store_true", help="open a public link through Gradio's relay")
    parser.add_argument(
        "--allowed-hosts",
        default=os.environ.get(ALLOWED_HOSTS, ""),
        help="further names that the page answers to, separated by commas; *.example.org is every name below "
        f"example.org, * every name (default: {ALLOWED_HOSTS}, or this machine's names and addresses alone)",
    )
    return parser.parse_args()


def _serve(options: argparse.Namespace, address: Address) -> None:
    # Before gradio is imported; the page sends nothing about its visitors anywhere.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    # Gradio would sum up all its events with pandas after each; monitoring is off, so nobody reads that.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**31))
    # Here, so that Ctrl-C and a shortage of memory end in one line while torch is imported too. Gradio makes
    # a client as it is imported, which ends at a proxy that it does not know.
    with no_proxies():
        from explorer.ui.launch import serve

    allowed_hosts = [name.strip() for name in options.allowed_hosts.split(",") if name.strip()]
    serve(
        options.weights,
        address,
        backbone=options.backbone,
        allowed_hosts=allowed_hosts,
        is_shared=options.share,
        runs=options.runs,
        runs_per_address=options.runs_per_address,
        takes_weights=options.own_weights or os.environ.get(OWN_WEIGHTS) == "1",
    )


def _end_if_explained(failure: threading.ExceptHookArgs) -> None:
    """End the process when a thread runs out of memory; anything else is a fault and keeps its traceback."""
    error = failure.exc_value
    if error is not None and (status := explain(error)) is not None:
        end_at_once(status)
    threading.__excepthook__(failure)


if __name__ == "__main__":
    end_at_once(main())
