"""What the Explore tab is asked: its controls' values become a question."""

from typing import Any

from explorer.examples import EXAMPLES, load_example
from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import knobs
from explorer.images import Picture
from explorer.ui.components.arguments import one_of
from explorer.ui.components.picture_input import NO_PICTURE
from explorer.ui.session.app_state import AppState
from explorer.ui.session.exploring import Question
from explorer.ui.session.recall import has_picture, recall
from explorer.ui.session.visit import Visit
from explorer.ui.tabs.explore import network_defaults
from explorer.ui.tabs.explore_link import options_of

NEEDS_PICTURE = "This takes a picture, and features alone were given: Instant, Live and Compare take them."


def ask(
    state: AppState,
    visit: Visit,
    name: str,
    layers: list[str],
    second: str,
    *given: Any,  # noqa: ANN401 - of each option's own type
) -> Question | None:
    """Gather what is asked; None without a picture, as where features alone are given.

    Raises:
        gr.Error: a control has a value that it does not offer.
    """
    one_of("experiment", name, list(EXPERIMENTS))
    if not has_picture(visit):
        return None
    exploration = recall(visit)
    if not isinstance(exploration.given, Picture):
        return None
    pictures, examples = [exploration.given], [exploration.example]
    if EXPERIMENTS[name].pictures == 2:
        example = other_than(exploration.example, one_of("example", second, EXAMPLES))
        pictures.append(visit.second or load_example(example))
        examples.append(None if visit.second else example)
    for layer in layers:
        one_of("layer", layer, state.network.layers)
    values = options_of(name, given)
    files = [key for key, knob in knobs(EXPERIMENTS[name].options).items() if knob.is_file]
    values |= dict.fromkeys(files, visit.weights)
    filled = {key: value for key, value in values.items() if value not in (None, "")}
    named = {key: name for key, name in network_defaults(state.network).items() if key in values}
    return Question(name, pictures, examples, layers, {**named, **filled})


def describe_lack(visit: Visit) -> str:
    """Say why nothing can be asked: there is no picture, or there are features alone."""
    return NEEDS_PICTURE if has_picture(visit) else NO_PICTURE


def other_than(first: str | None, second: str) -> str:
    """Return the second example, or the next where it is the first one, too: nothing blends with itself."""
    if first != second:
        return second
    return EXAMPLES[(EXAMPLES.index(second) + 1) % len(EXAMPLES)]
