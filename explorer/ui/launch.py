"""How the page is served: its look, its limits, and the names it answers to."""

import os
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from starlette.middleware import Middleware

from explorer.decoding.decode import MAX_FILE_BYTES
from explorer.ui.limits import request_limits
from explorer.ui.listeners import NoteListeners
from explorer.ui.theme import STYLE_SHEETS, build_theme, layer_variables, page_scripts

# Where Gradio's relay gives a public link a name.
RELAY_HOSTS = "*.gradio.live"
# Gradio's own limit on events under way: well above the runs that may wait, so that others need not wait.
MAX_EVENTS = 200


def launch_options(allowed_hosts: Sequence[str] = ()) -> dict[str, Any]:
    """Give what `launch()` needs to show the page as designed, the same on Spaces as at home."""
    limits = request_limits([*own_names(), *allowed_hosts])
    return {
        "theme": build_theme(),
        "css": layer_variables(),
        "css_paths": STYLE_SHEETS,
        "head": f"<script>{page_scripts()}</script>",
        "footer_links": ["api"],
        "ssr_mode": False,
        "enable_monitoring": False,
        "max_file_size": MAX_FILE_BYTES,
        "max_threads": MAX_EVENTS,
        # Offers the public endpoints to assistants where gradio's extra `mcp` is installed.
        "mcp_server": find_spec("mcp") is not None,
        "app_kwargs": {"middleware": [*limits, Middleware(NoteListeners)]},
    }


def own_names() -> list[str]:
    """Name this machine as its visitors may; on a Space, the Space's host."""
    hostname = socket.gethostname()
    return ["localhost", hostname, f"{hostname}.local", *filter(None, [os.environ.get("SPACE_HOST")])]
