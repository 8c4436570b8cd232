"""The visitor chooses which square the network sees; it is cut from the upload, or from the whole example."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from explorer.decoding.square import Crop
from explorer.examples import load_example, load_whole_example
from explorer.images import ImageError, encode_jpeg
from explorer.ui.components.arguments import mistake, number, sent_with
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.events import TOGETHER
from explorer.ui.components.picture_input import WHOLE_SIDE, read_upload, read_whole
from explorer.ui.crop_box import show_whole
from explorer.ui.session.app_state import AppState
from explorer.ui.session.laying import lay_down
from explorer.ui.session.visit import Source
from explorer.ui.stage import data_uri

LEAST_SIDE = 0.001  # A share; whether there are pixels enough is seen in the file.
NO_SQUARE = "The square can be chosen on a picture: drop, paste or click to add one, or take an example."


def read_crop(given: Mapping[str, str]) -> Crop | None:
    """Read the square of an example that an address names; None where it is none, or names no example."""
    try:
        crop = Crop.parse(given["crop"])
        load_example(given["example"], crop=crop)
    except (LookupError, ValueError, ImageError):
        return None
    return crop


def wire_crop(state: AppState, box: gr.HTML, outputs: Sequence[Component]) -> Dependency:
    """Connect the box; return the event after which a visit has another picture, shown by the outputs."""
    handlers = CropHandlers(state)
    box.look(handlers.look, outputs=[box], **TOGETHER)
    return box.cut(handlers.cut, outputs=[*outputs], **TOGETHER)


class CropHandlers:
    """Translate between the box and the picture at hand."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def look(self, request: gr.Request) -> str:
        """Show all of the picture, and its present square."""
        source = self._find(request)
        if source.example:
            whole = encode_jpeg(load_whole_example(source.example, WHOLE_SIDE))
        else:
            whole = read_whole(source.path or "")
        return show_whole(data_uri(whole), source.crop)

    def cut(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Lay the picture down anew, cut at the square that the box names."""
        x, y = (number(name, sent_with(event, name), 0, 1) for name in "xy")
        crop = Crop(x, y, number("side", sent_with(event, "side"), LEAST_SIDE, 1))
        source = self._find(request)
        with clear_errors():
            example = source.example
            picture = load_example(example, crop=crop) if example else read_upload(source.path, crop)
        visit = self._state.visits.get(request.session_hash)
        if visit.source is not source:  # Another picture has come meanwhile.
            return (gr.skip(),) * 5
        return lay_down(self._state, visit, picture, replace(source, crop=crop))

    def _find(self, request: gr.Request) -> Source:
        source = self._state.visits.get(request.session_hash).source
        if source is None or not source.is_picture:
            raise mistake(NO_SQUARE)
        return source
