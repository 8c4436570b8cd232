"""A visitor comes back whose things had to make room for others: the picture is still there to go on with."""

import gradio as gr

from explorer.examples import load_example
from explorer.ui.components.arguments import mistake
from explorer.ui.components.given import read_given
from explorer.ui.components.picture_input import NO_PICTURE
from explorer.ui.session.visit import Exploration, Visit

EVICTED = "What was made from this picture had to make room for others; you can begin anew with the picture."


def has_picture(visit: Visit) -> bool:
    """Whether there is a picture, or there was one that can be read again."""
    return visit.exploration is not None or visit.source is not None


def recall(visit: Visit) -> Exploration:
    """Return what the visitor has; what had to make room is begun anew, and the visitor is told.

    Raises:
        gr.Error: there is no picture, or it cannot be read any more; the message says what to do.
    """
    if visit.exploration is not None:
        return visit.exploration
    source = visit.source
    if source is None:
        raise mistake(NO_PICTURE)
    example, crop = source.example, source.crop
    given = load_example(example, crop=crop) if example else read_given(source.path, source.layers, crop)
    exploration = Exploration(given, source.whole_example, crop)
    visit.put(exploration)
    gr.Info(EVICTED)
    return exploration
