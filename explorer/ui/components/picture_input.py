"""The picture input: a Gradio image that hands over the file as it came, so that `images` judges it."""

import gradio as gr
from gradio.data_classes import ImageData

from explorer.images import Picture, read_picture
from explorer.ui.components.errors import clear_errors

NO_PICTURE = "Add an image first: drop, paste, or choose an example."


class PictureInput(gr.Image):
    """Drop, paste, webcam or click. Gradio's own decoding, whose errors say nothing, is left out.

    (Gradio writes a stub file beside every component's source; git ignores it.)
    """

    is_template = True

    def preprocess(self, payload: ImageData | None) -> str | None:
        """Give the path of the uploaded file."""
        return None if payload is None else payload.path


def build_picture_input() -> PictureInput:
    """Lay out the input."""
    return PictureInput(
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard", "webcam"],
        show_label=False,
        label="Your picture",
        placeholder="Drop a photo, paste, or pick an example",
        alt_text="Your picture",
        buttons=[],
        height=168,
        elem_id="picture",
    )


def read_upload(path: str | None) -> Picture:
    """Read the visitor's file.

    Raises:
        gr.Error: there is none, or it cannot be used; the message says what to do.
    """
    if path is None:
        raise gr.Error(NO_PICTURE, print_exception=False)
    with clear_errors():
        picture = read_picture(path)
    if picture.notice:
        gr.Info(picture.notice)
    return picture
