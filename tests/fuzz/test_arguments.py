"""Any JSON value in any place of any endpoint ends in an answer or in one documented sentence, soon.

EXPLORER_FUZZ=long tries 2,400 argument lists, the slow lane 150, the fast one 40.
"""

import os
import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.features.layers import LAYERS
from explorer.ui.api.requests import NOT_BASE64
from explorer.ui.components.checked_blocks import WRONG_KIND
from tests.support.raw import Event, RawPage, error_of
from tests.support.refusals import is_documented

pytestmark = pytest.mark.usefixtures("fast_judge")

SLOW = 600 if os.environ.get("EXPLORER_FUZZ") == "long" else 40
EXAMPLES = pytest.mark.parametrize("examples", [10, pytest.param(SLOW, marks=pytest.mark.slow)])
ANSWER_SECONDS = 10.0  # Three, were the machine idle.
SENTENCES = re.compile(
    r"steps must be a whole number from 1 to \d+, not .*|seed must be a whole number from 0 to \d+, not .*"
    r"|Unknown (layer|method) .*: use .*|Too few values: \d+ are needed, not \d+\."
    r"|The \w+ decoder of layer\d is not available.*",
    re.DOTALL,
)
TEXTS = st.text(max_size=40) | st.sampled_from(["", "${oc.env:HOME}", "cat", "data:,", "A" * 5_000, "\0"])
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**63, -1, 0, 1e308, float("nan"), float("inf")])
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
METHODS = st.sampled_from(["linear", "optimiser", "decoder"])
# Half of the time sound, so that a wrong value is tried in every place.
RUN = st.tuples(
    st.just("cat") | ANY, st.sampled_from(LAYERS) | ANY, METHODS | ANY, st.just(1) | ANY, st.just(0) | ANY
)


@pytest.fixture(scope="module")
def page(address) -> RawPage:
    return RawPage(address)


def check(page: RawPage, event: Event, data: list[Any]) -> None:
    started = time.perf_counter()
    messages = page.send(event, data)
    assert time.perf_counter() - started < ANSWER_SECONDS, data
    if messages[-1]["msg"] == "refused":
        assert messages[-1]["status"] in (400, 422), (data, messages)
        return
    error = error_of(messages)
    if messages[-1]["success"]:
        return
    assert error is not None, (data, messages)
    known = error in (NOT_BASE64, WRONG_KIND) or is_documented(error) or SENTENCES.fullmatch(error)
    assert known, (data, error)


def tries(examples: int) -> settings:
    """How often to try."""
    quick = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=examples, deadline=None, suppress_health_check=quick)


@EXAMPLES
@pytest.mark.parametrize("name", ["reconstruct", "optimise"])
def test_a_run_takes_any_values(page, name, examples):
    @tries(examples)
    @given(RUN)
    def try_values(values: tuple[Any, ...]) -> None:
        check(page, page.event(name), list(values))

    try_values()


@EXAMPLES
def test_metrics_take_any_values(page, examples):
    @tries(examples)
    @given(st.lists(st.just("cat") | ANY, max_size=4))
    def try_values(values: list[Any]) -> None:
        check(page, page.event("metrics"), values)

    try_values()


@EXAMPLES
@pytest.mark.parametrize("name", ["layers", "health"])
def test_endpoints_without_arguments_take_any_list(page, name, examples):
    @tries(examples // 4)
    @given(st.lists(ANY, max_size=4))
    def try_values(values: list[Any]) -> None:
        check(page, page.event(name), values)

    try_values()


@pytest.mark.parametrize("data", [None, 7, "cat", {}, True])
def test_arguments_that_are_no_list_are_refused(page, data):
    refusal = page.send(page.event("reconstruct"), data)[-1]
    assert refusal["msg"] == "refused"
    assert refusal["status"] in (400, 422)
