"""A visitor comes back whose things had to make room for others: the picture is still there to go on with."""

import gradio as gr

from explorer.ui.components.examples import recognise_example
from explorer.ui.components.picture_input import read_upload
from explorer.ui.session.visit import Exploration, Visit

EVICTED = "What was made from this picture had to make room for others; you can begin anew with the picture."


def recall(visit: Visit, path: str | None) -> Exploration:
    """Return what the visitor has; if it is gone, begin anew with the picture that the page still shows.

    Raises:
        gr.Error: there is no picture, or it cannot be read any more; the message says what to do.
    """
    if visit.exploration is None:
        picture = read_upload(path)
        visit.put(Exploration(picture, recognise_example(picture)))
        gr.Info(EVICTED)
    assert visit.exploration is not None
    return visit.exploration
