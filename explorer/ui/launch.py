"""How the page is served: its look, its limits, its port, and the names it answers to."""

import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import Any

# On a Space whose GPU is lent by the call, this must come before torch.
with suppress(ImportError):
    import spaces  # noqa: F401  # pyright: ignore[reportMissingImports]

import gradio as gr
from gradio.route_utils import FnIndexInferError
from starlette.middleware import Middleware

from explorer.decoding.decode import MAX_FILE_BYTES
from explorer.decoding.pool import start_decoders
from explorer.device import CPU, best_device, keep_freed_memory
from explorer.errors import ExplorerError
from explorer.features.backbone import RESNET50
from explorer.features.layers import LAYERS
from explorer.features.network import Network, survey
from explorer.lab.lab import Lab
from explorer.ui.address import Address, no_proxies
from explorer.ui.assistants import AssistantCalls, is_offered
from explorer.ui.bounds import MAX_SESSIONS
from explorer.ui.connections import bound_connections
from explorer.ui.limits import request_limits, say_not_found
from explorer.ui.limits.callers import SPACE_HOST, trust_proxies
from explorer.ui.listeners import NoteListeners
from explorer.ui.memory import available_bytes
from explorer.ui.page import build_page
from explorer.ui.queue.limits import DEFAULT_LIMITS, Limits
from explorer.ui.session.app_state import AppState
from explorer.ui.session.zero_gpu import is_lent
from explorer.ui.tabs.cards import card_styles
from explorer.ui.theme import STYLE_SHEETS, build_theme, layer_variables, page_scripts
from explorer.ui.without_script import WithoutScript

FIRST_PORT = 7860  # Of those that Gradio tries.
# Where Gradio's relay gives a public link a name.
RELAY_HOSTS = "*.gradio.live"
# Gradio's own limit on events under way: well above the runs that may wait, so that others need not wait.
MAX_EVENTS = 200

WITH_MAPS = "vgg16, convnext_tiny, mobilenet_v3_small or resnet18"


class BackboneError(ExplorerError):
    """A network that the page cannot show; the message says what can."""


def serve(
    weights: str | None,
    address: Address,
    *,
    backbone: str | None = None,
    allowed_hosts: Sequence[str] = (),
    is_shared: bool = False,
    runs: int | None = None,
    runs_per_address: int | None = None,
    takes_weights: bool = False,
) -> None:
    """Serve the page for good.

    Args:
        weights: A name that torchvision knows, a file, or "untrained"; None is torchvision's first.
        address: Where to listen; it is free.
        backbone: A network of torchvision; None is ResNet-50.
        allowed_hosts: Names that the page answers to beside this machine's.
        is_shared: Open a public link through Gradio's relay.
        runs: Runs under way or waiting, at most.
        runs_per_address: Of these from one address.
        takes_weights: Let visitors lay down weights of their own, also where others than this machine's
            users can come.
    """
    bound_connections()
    network = find_network(backbone or RESNET50)
    start_decoders()
    keep_freed_memory()
    usual = DEFAULT_LIMITS.within(available_bytes())
    limits = replace(usual, waiting=runs or usual.waiting, per_address=runs_per_address or usual.per_address)
    is_private = address.is_private and not is_shared and not allowed_hosts and not os.environ.get(SPACE_HOST)
    state = _make_state(weights, network, limits, takes_weights=takes_weights or is_private)
    names = [address.host, *([RELAY_HOSTS] if is_shared else []), *allowed_hosts]
    port = _launch(build_page(state), address, launch_options(names, network.layers), is_shared=is_shared)
    state.open()  # Now, because weights may have to come through a proxy.
    if address.port is None and port != FIRST_PORT:
        sys.stderr.write(f"explorer: port {FIRST_PORT} is taken, so it is port {port}.\n")
    Event().wait()


def _launch(page: gr.Blocks, address: Address, options: dict[str, Any], *, is_shared: bool) -> int:
    """Start the server in a thread of its own, and return its port."""
    place = {"server_name": address.host, "server_port": address.port, "share": is_shared or None}
    with no_proxies():
        page.queue(api_open=False).launch(prevent_thread_lock=True, **place, **options)
    return page.server_port


def find_network(name: str) -> Network:
    """Look up what the page shows of a network of torchvision.

    Raises:
        WeightsError: there is no such network.
        BackboneError: it has no maps to show.
    """
    network = survey(name)
    if not network.layers:
        raise BackboneError(
            f"The page shows maps that divide the picture, and {name} has none. Use {WITH_MAPS}, for example."
        )
    return network


def _make_state(weights: str | None, network: Network, limits: Limits, *, takes_weights: bool) -> AppState:
    # A lent GPU is there for races alone; everything else runs on the CPU.
    device = CPU if is_lent() else best_device()
    state = AppState(
        lambda: Lab.load(weights, device, state.loading.tell, backbone=network.name),
        limits,
        network,
        takes_weights=takes_weights,
    )
    return state


def launch_options(allowed_hosts: Sequence[str] = (), layers: Sequence[str] = LAYERS) -> dict[str, Any]:
    """Give what `launch()` needs to show these layers as designed, the same on Spaces as at home."""
    trust_proxies()
    limits = request_limits([*own_names(), *allowed_hosts])
    return {
        "theme": build_theme(),
        "css": f":root {{ {layer_variables(layers)} }}{card_styles()}",
        "css_paths": STYLE_SHEETS,
        "head": f"<script>{page_scripts()}</script>",
        "footer_links": ["api"],
        "ssr_mode": False,
        "enable_monitoring": False,
        "max_file_size": MAX_FILE_BYTES,
        "max_threads": MAX_EVENTS,
        "state_session_capacity": MAX_SESSIONS,
        # Offers the public endpoints to assistants where gradio's extra `mcp` is installed.
        "mcp_server": is_offered(),
        "app_kwargs": {
            "middleware": [*limits, *map(Middleware, (AssistantCalls, NoteListeners, WithoutScript))],
            "exception_handlers": {FnIndexInferError: say_not_found},
        },
    }


def own_names() -> list[str]:
    """Name this machine as its visitors may; on a Space, the Space's host."""
    hostname = socket.gethostname()
    return ["localhost", hostname, f"{hostname}.local", *filter(None, [os.environ.get(SPACE_HOST)])]
