"""A picture is laid down, or features of one: the visit has it, and both stages show it alone."""

from typing import Any

import gradio as gr

from explorer.lab.layer import Source as Given
from explorer.ui.components.recordings import has_recording
from explorer.ui.crop_box import CHOOSABLE
from explorer.ui.session.app_state import AppState
from explorer.ui.session.visit import Exploration, Source, Visit
from explorer.ui.stage import begin_stage


def lay_down(state: AppState, visit: Visit, given: Given | None, source: Source | None) -> tuple[Any, ...]:
    """Put this, or nothing, in the place of what lay there.

    Returns what shows it: both stages, two buttons (there is nothing to resume) and the crop box.
    """
    visit.source = source
    if given is None or source is None:
        visit.put(None)
    else:
        visit.arrival = visit.returning = None
        visit.put(Exploration(given, source.whole_example, source.crop))
    state.visits.make_room()
    stages = [begin_stage(given, state.network.layers).text() for _ in range(2)]
    is_recorded = has_recording(source and source.whole_example, state.network)
    buttons = gr.update(visible=is_recorded), gr.update(visible=False)
    return *stages, *buttons, CHOOSABLE if source and source.is_picture else ""
