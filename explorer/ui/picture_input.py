"""The picture input: a Gradio image that hands over the file as it came, so that `images` judges it."""

import gradio as gr
from gradio.data_classes import ImageData

from explorer.images import ImageError, Picture, read_picture

NO_PICTURE = "Add an image first: drop, paste, or choose an example."


def build_picture_input() -> gr.Image:
    """Lay out the input: drop, paste, webcam or click.

    Gradio's own decoding, whose errors say nothing, is replaced on this one component; a subclass would do
    the same, but makes Gradio write a stub file into the source folder.
    """
    component = gr.Image(
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
    component.preprocess = _path
    return component


def read_upload(path: str | None) -> Picture:
    """Read the visitor's file.

    Raises:
        gr.Error: there is none, or it cannot be used; the message says what to do.
    """
    if path is None:
        raise gr.Error(NO_PICTURE, print_exception=False)
    try:
        picture = read_picture(path)
    except ImageError as error:
        raise gr.Error(str(error), print_exception=False) from error
    if picture.notice:
        gr.Info(picture.notice)
    return picture


def _path(payload: ImageData | None) -> str | None:
    return None if payload is None else payload.path
