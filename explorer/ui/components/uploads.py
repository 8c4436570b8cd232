"""Files that visitors upload: where they lie, and the refusal of all others."""

from pathlib import Path

from gradio.utils import get_upload_folder

from explorer.files import REFUSED, is_below
from explorer.ui.components.arguments import mistake


def refuse_strangers(payload: object) -> None:
    """Refuse whatever is not a file uploaded here, before Gradio copies or fetches it.

    Gradio itself checks a path only if the request says that it is one.

    Raises:
        gr.Error: the payload names no such file.
    """
    path = payload.get("path") if isinstance(payload, dict) else payload
    if payload is not None and not (isinstance(path, str) and is_below(upload_folder(), path)):
        raise mistake(REFUSED)


def upload_folder() -> Path:
    """Name the folder that holds all uploads, and nothing that was not uploaded or made for a visitor."""
    return Path(get_upload_folder())
