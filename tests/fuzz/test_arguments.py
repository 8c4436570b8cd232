"""Any JSON value in any place of any endpoint ends in an answer or in one documented sentence, soon.

Which endpoints there are says the page, and what each takes, THE table of bounds. EXPLORER_FUZZ=long tries
600 lists of arguments for each endpoint, the slow lane 40, the fast one 10.
"""

import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.experiments import EXPERIMENTS
from explorer.experiments.experiment import Knob, knobs
from explorer.experiments.operations.edit_table import EDITS
from explorer.features.layers import LAYERS
from explorer.ui import bounds
from explorer.ui.bounds import NOT_BASE64, Bound, Named, OneOf, PictureText, Several, Whole
from explorer.ui.components.checked_blocks import WRONG_KIND
from tests.support.fuzz import IS_LONG, TIMEOUT
from tests.support.odd_values import ANY
from tests.support.raw import Event, RawPage, error_of
from tests.support.refusals import is_documented

pytestmark = [pytest.mark.usefixtures("fast_judge"), TIMEOUT]

SLOW = 600 if IS_LONG else 40
EXAMPLES = pytest.mark.parametrize("examples", [10, pytest.param(SLOW, marks=pytest.mark.slow)])
ANSWER_SECONDS = 20.0  # Three, were the machine idle.
# The page of the tests lists its endpoints too; this is what pytest needs before there is a page.
ENDPOINTS = bounds.list_endpoints(LAYERS)
SENTENCES = re.compile(
    r"\w+ must be (a whole number from \d+ to \d+|a list of at most \d+|an object of at most .*), not .*"
    r"|Unknown (layer|method|name) .*: use .*|Too few values: \d+ are needed, not \d+\."
    r"|The \w+ decoder of layer\d is not available.*"
    r"|There is no (option|channel|cell) .*"
    r"|\w+ is (one of|from|a number|a whole number|a text of)( .*)?, not .*"
    r"|.* takes 2 pictures, not \d|.* needs a picture\.|own_weights is a file of the server.*"
    r"|.* is no (list of channels|region); write .*|The region .* is empty or outside.*"
    r"|These features have \d+ (principal components|channels): keep .*|This edit takes a whole number.*",
    re.DOTALL,
)
KNOWN = (NOT_BASE64, WRONG_KIND, bounds.TOO_MUCH, bounds.NO_FILES)
# What a sound call may ask for and still be answered soon by a test's network.
SOON: dict[str, st.SearchStrategy[Any]] = {
    "method": st.sampled_from(["linear", "optimiser", "decoder"]),
    "steps": st.just(1),
    "name": st.just("surgery"),
    "edit": st.sampled_from(list(EDITS)),
}


def sound(name: str, bound: Bound) -> st.SearchStrategy[Any]:
    """Draw what a place takes."""
    if name in SOON:
        return SOON[name]
    match bound:
        case Whole():
            return st.integers(bound.low, bound.high)
        case OneOf():
            return st.sampled_from(bound.choices)
        case PictureText():
            return st.just("cat")
        case Several():
            return st.lists(sound(name, bound.of), min_size=1, max_size=1)
        case Named():
            options = knobs(EXPERIMENTS["surgery"].options)
            drawn = {key: _around(key, knob) | ANY for key, knob in options.items()}
            return st.fixed_dictionaries({}, optional=drawn)


def _around(key: str, knob: Knob) -> st.SearchStrategy[Any]:
    """Draw an option's values, those just out of bounds among them."""
    if knob.choices:
        return SOON.get(key, st.sampled_from(knob.choices))
    if knob.low is not None and knob.high is not None:
        return st.floats(knob.low - 1, knob.high + 1) | st.sampled_from([0, 1, 2, 20_000])
    return st.sampled_from(["0-63", "0-100000000", "1,2", "0.25,0.25,0.75,0.75", "1e999,0", "9" * 300])


@pytest.fixture(scope="module")
def page(address) -> RawPage:
    return RawPage(address)


def check(page: RawPage, event: Event, data: list[Any]) -> None:
    started = time.perf_counter()
    messages = page.send(event, data)
    assert time.perf_counter() - started < ANSWER_SECONDS, data
    if messages[-1]["msg"] == "refused":
        assert messages[-1]["status"] in (400, 413, 422), (data, messages)
        return
    error = error_of(messages)
    if messages[-1]["success"]:
        return
    assert error is not None, (data, messages)
    assert error in KNOWN or is_documented(error) or SENTENCES.fullmatch(error), (data, error)


def test_every_endpoint_of_the_page_is_tried(page):
    assert set(page.endpoints) == set(ENDPOINTS)
    for name in page.endpoints:
        assert len(page.event(name).kinds) == len(ENDPOINTS[name])


@EXAMPLES
@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_takes_any_values(page, name, examples, capfd):
    # Half of the time sound, so that a wrong value is tried in every place.
    places = [sound(key, bound) | ANY for key, bound in ENDPOINTS[name].items()]
    values = st.tuples(*places).map(list) if places else st.lists(ANY, max_size=4)

    @settings(
        max_examples=examples if places else max(1, examples // 4),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(values | st.lists(ANY, max_size=len(places)))
    def try_values(data: list[Any]) -> None:
        check(page, page.event(name), data)

    try_values()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("data", [None, 7, "cat", {}, True])
def test_arguments_that_are_no_list_are_refused(page, data):
    refusal = page.send(page.event("reconstruct"), data)[-1]
    assert refusal["msg"] == "refused"
    assert refusal["status"] in (400, 422)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edit": "drop", "channels": "0-100000000"}, "There is no channel 100000000"),
        ({"edit": "blur", "amount": 20_000}, "amount is from 0 to 4, not 20000."),
        ({"edit": "blur", "amount": 1e300}, "amount is from 0 to 65536, not 1e+300."),
    ],
)
def test_an_edit_without_bounds_is_refused(page, options, message):
    error = error_of(page.send(page.event("explore"), ["surgery", ["cat"], ["layer1"], options]))
    assert error is not None
    assert message in error


@pytest.mark.parametrize(
    ("name", "images", "message"),
    [
        ("matrix", ["cat"] * 900, "images must be a list of at most 4"),
        ("matrix", "cat", "images must be a list of at most 4"),
        ("matrix", {"0": "cat"}, "images must be a list of at most 4"),
        ("blend", ["cat"] * 3, "takes 2 pictures, not 3"),
        ("matrix", [], "needs a picture"),
    ],
)
def test_pictures_are_counted_before_any_is_read(page, monkeypatch, name, images, message):
    monkeypatch.setattr("explorer.ui.api.endpoints.read_text", lambda _: pytest.fail("read"))
    error = error_of(page.send(page.event("explore"), [name, images, None, None]))
    assert error is not None
    assert message in error


def test_layers_are_counted_before_any_is_computed(page):
    error = error_of(page.send(page.event("explore"), ["matrix", ["cat"], ["layer1"] * 200, None]))
    assert error is not None
    assert "layers must be a list of at most 4" in error
