"""The visitor chooses which square of a photo the network sees; it is cut from the file that was uploaded."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from explorer.decoding.square import Crop
from explorer.ui.components.arguments import mistake, number, sent_with
from explorer.ui.components.events import TOGETHER
from explorer.ui.components.picture_input import read_upload, read_whole
from explorer.ui.crop_box import show_whole
from explorer.ui.session.app_state import AppState
from explorer.ui.session.laying import lay_down
from explorer.ui.session.visit import Source
from explorer.ui.stage import data_uri

LEAST_SIDE = 0.001  # A share; whether there are pixels enough is seen in the file.
NOT_OWN = "The square can be chosen on a photo of your own: drop, paste or click to add one."


def wire_crop(state: AppState, box: gr.HTML, outputs: Sequence[Component]) -> Dependency:
    """Connect the box; return the event after which a visit has another picture, shown by the outputs."""
    handlers = CropHandlers(state)
    box.look(handlers.look, outputs=[box], **TOGETHER)
    return box.cut(handlers.cut, outputs=[*outputs], **TOGETHER)


class CropHandlers:
    """Translate between the box and the visitor's own photo."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def look(self, request: gr.Request) -> str:
        """Show all of the photo, and its present square."""
        source, path = self._find_own(request)
        return show_whole(data_uri(read_whole(path)), source.crop)

    def cut(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Lay the photo down anew, cut at the square that the box names."""
        x, y = (number(name, sent_with(event, name), 0, 1) for name in "xy")
        crop = Crop(x, y, number("side", sent_with(event, "side"), LEAST_SIDE, 1))
        source, path = self._find_own(request)
        picture = read_upload(path, crop)
        visit = self._state.visits.get(request.session_hash)
        if visit.source is not source:  # Another picture has come meanwhile.
            return (gr.skip(),) * 5
        return lay_down(self._state, visit, picture, Source(None, path, crop=crop))

    def _find_own(self, request: gr.Request) -> tuple[Source, str]:
        source = self._state.visits.get(request.session_hash).source
        if source is None or source.path is None or not source.is_photo:
            raise mistake(NOT_OWN)
        return source, source.path
