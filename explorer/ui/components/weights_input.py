"""The input for weights of one's own: a Gradio file that is checked before PyTorch reads it."""

from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from explorer.files import REFUSED
from explorer.ui.components.arguments import mistake
from explorer.ui.components.uploads import refuse_strangers

KINDS = [".pth", ".pt", ".safetensors"]
OLD_FORMAT = (
    "This is no file of torch.save (PyTorch 1.6 or newer). Save the state dict with it, or as safetensors."
)
COMPRESSED = (
    "The entries of this file are compressed, which torch.save never does. Save the state dict again."
)


class WeightsInput(gr.File):
    """Drop or click. It gives the path of what was uploaded.

    (Gradio writes a stub file beside every component's source; git ignores it.)
    """

    is_template = True

    def preprocess(self, payload: ListFiles | FileData | None) -> str | None:
        """Give the path of the uploaded file.

        Raises:
            gr.Error: PyTorch could unpack it to a multiple of its size, or has not written it.
        """
        if not isinstance(payload, FileData):
            return None
        check_weights(Path(payload.path))
        return payload.path

    refuse_strangers = staticmethod(refuse_strangers)


def check_weights(path: Path) -> None:
    """Raise gr.Error unless a file's content is as long as the file itself says."""
    if not path.is_file():  # Opening a pipe would wait.
        raise mistake(REFUSED)
    if path.suffix == ".safetensors":
        return
    try:
        with ZipFile(path) as archive:
            if any(entry.compress_type != ZIP_STORED for entry in archive.infolist()):
                raise mistake(COMPRESSED)
    except (BadZipFile, OSError) as error:
        raise mistake(OLD_FORMAT) from error
