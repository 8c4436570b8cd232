"""The picture input: a Gradio image that hands over the file as it came, so that `images` judges it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData

from explorer.decoding.pool import decode_apart
from explorer.decoding.square import CENTRE, Crop
from explorer.files import read_below
from explorer.images import MAX_FILE_BYTES, Picture, encode_jpeg, read_picture
from explorer.ui.components.arguments import mistake
from explorer.ui.components.callers import one_picture_at_a_time
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.uploads import upload_folder

HEIGHT = 84  # Pixels: the pictures that matter stand below.
WHOLE_SIDE = 800  # Of all of a photo, for a square to be chosen.
NO_PICTURE = "Add an image first: drop, paste, or choose an example."


class PictureInput(gr.Image):
    """Drop, paste, webcam or click; `picture_input.js` sees that each ends in a picture or in a sentence.

    Gradio's own decoding, whose errors say nothing, is left out. (It writes a stub file beside every
    component's source; git ignores it.)
    """

    is_template = True

    def preprocess(self, payload: ImageData | None) -> str | None:
        """Give the path that the browser, or whoever else, says is that of the uploaded file."""
        return None if payload is None else payload.path


def build_picture_input() -> PictureInput:
    """Lay out the input."""
    return PictureInput(
        type="filepath",
        image_mode=None,
        sources=[
            "upload",
            "webcam",
        ],  # `picture_input.js` takes what is pasted, also where a page may not ask.
        webcam_options=gr.WebcamOptions(mirror=False),  # Text on what is held up stays readable.
        show_label=False,
        label="Your picture",
        placeholder="Your photo: drop, paste or click",
        alt_text="Your picture",
        buttons=[],
        height=HEIGHT,
        elem_id="picture",
    )


def read_upload(path: str | None, crop: Crop = CENTRE) -> Picture:
    """Read a square of the visitor's file, by default the largest in its centre.

    Raises:
        gr.Error: there is none, or it cannot be used; the message says what to do.
    """
    if path is None:
        raise mistake(NO_PICTURE)
    with _reading(path) as content:
        picture = read_picture(content, name=Path(path).stem, crop=crop)
    if picture.notice:
        gr.Info(picture.notice)
    return picture


def read_whole(path: str) -> bytes:
    """Read all of the visitor's file, upright, as a JPEG of at most WHOLE_SIDE pixels a side.

    Raises:
        gr.Error: it cannot be used any more; the message says why.
    """
    with _reading(path) as content:
        return encode_jpeg(decode_apart(content, WHOLE_SIDE, None).pixels)


@contextmanager
def _reading(path: str) -> Iterator[bytes]:
    with clear_errors(), one_picture_at_a_time():
        yield read_below(upload_folder(), path, MAX_FILE_BYTES)
