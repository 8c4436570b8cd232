"""Files that visitors upload: where they lie, and the refusal of all others."""

import os
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from explorer.files import REFUSED, is_below
from explorer.ui.components.arguments import mistake

MAX_PATH = 4096  # As Linux has it.


def take_upload(payload: object) -> dict[str, Any] | None:
    """Write anew which file was uploaded here, with its true path, before Gradio copies or fetches anything.

    Gradio itself checks a path only if the request says that it is one, and looks for files inside of others.

    Raises:
        gr.Error: the payload names no such file.
    """
    if payload is None:
        return None
    path = payload.get("path") if isinstance(payload, dict) else payload
    if not isinstance(path, str) or len(path) > MAX_PATH or not is_below(upload_folder(), path):
        raise mistake(REFUSED)
    return {"path": os.path.realpath(path), "meta": {"_type": "gradio.FileData"}}


def upload_folder() -> Path:
    """Name the folder that holds all uploads, and nothing that was not uploaded or made for a visitor."""
    return Path(get_upload_folder())
