"""The input for weights of one's own: a Gradio file that hands over the path of what was uploaded."""

import gradio as gr
from gradio.data_classes import FileData, ListFiles

KINDS = [".pth", ".pt", ".safetensors", ".ckpt", ".bin", ".tar"]  # Its kind is told by its content.


class WeightsInput(gr.File):
    """Drop or click. It gives the path of what was uploaded.

    (Gradio writes a stub file beside every component's source; git ignores it.)
    """

    is_template = True

    def preprocess(self, payload: ListFiles | FileData | None) -> str | None:
        """Give the path of the uploaded file; it is read in a process of its own."""
        return payload.path if isinstance(payload, FileData) else None
