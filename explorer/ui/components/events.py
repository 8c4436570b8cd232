"""How events are sent: the options that most events of the page share."""

from collections.abc import Callable
from typing import Any

import gradio as gr

# Gradio draws no progress over the page, and programs are not offered the event.
UNSEEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Answered outside Gradio's queue, for what takes no time.
AT_ONCE: dict[str, Any] = {"queue": False, **UNSEEN}
# As many of these as there are visitors may wait at once, since they compute nothing themselves.
TOGETHER: dict[str, Any] = {"concurrency_limit": None, **UNSEEN}


def one_at_a_time(name: str) -> dict[str, Any]:
    """Return the options of events that compute: of those with the same name, one runs at a time."""
    return {"concurrency_id": name, "concurrency_limit": 1, **UNSEEN}


def save_on_click(button: gr.Button, pack: Callable[..., tuple[str, str]], **options: Any) -> None:  # noqa: ANN401
    """Pack on a click, then let the browser save what it was sent: no file stays on the server."""
    name, packed = gr.Textbox(visible=False), gr.Textbox(visible=False)
    done = button.click(pack, None, [name, packed], **{**one_at_a_time("packing"), **options})
    # The answer empties the box again.
    done.success(None, [name, packed], [packed], js="(name, packed) => window.explorerSave(name, packed)")
