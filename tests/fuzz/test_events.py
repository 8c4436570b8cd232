"""Any JSON value in any place of any event, listed or not, ends in an answer or in one sentence, soon.

Which events there are says the page's own configuration, so that none can be left out. EXPLORER_FUZZ=long
tries 40 lists of values for each event, the short form 1.
"""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.fuzz import IS_LONG, TIMEOUT
from tests.support.odd_values import ANY
from tests.support.raw import Event, RawPage, error_of

pytestmark = TIMEOUT

EXAMPLES = 40 if IS_LONG else 1
ANSWER_SECONDS = 20.0  # Of a test's network, on a busy machine.
SENTENCE_LENGTH = 500
# They stream until a run is over, which a sound list of values would begin.
PATIENT = {"run", "measure", "resume"}


@pytest.fixture(scope="module")
def page(address: str) -> RawPage:
    return RawPage(address)


def draw_values(event: Event) -> st.SearchStrategy[list[Any]]:
    """Draw a value for each place, half of them as they first stand; in a run's event one is always odd."""
    places = [st.just(value) | ANY for value in event.inputs]
    if event.name in PATIENT and places:
        places[-1] = ANY.filter(lambda value: value != event.inputs[-1])
    return st.tuples(*places).map(list) if places else st.lists(ANY, max_size=2)


def test_every_event_takes_any_values(page: RawPage, capfd: pytest.CaptureFixture[str]) -> None:
    events = [event for event in page.events if event.name not in page.endpoints]
    assert len(events) > 30
    for event in events:
        try_values(page, event)
    assert "Traceback" not in capfd.readouterr().err


def try_values(page: RawPage, event: Event) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(draw_values(event), ANY)
    def try_these(data: list[Any], sent_with: object) -> None:
        check(page, event, data, sent_with)

    try_these()


def check(page: RawPage, event: Event, data: list[Any], sent_with: object) -> None:
    began = time.perf_counter()
    messages = page.send(event, data, event_data=sent_with)
    assert time.perf_counter() - began < ANSWER_SECONDS, (str(event), data)
    if messages[-1]["msg"] == "refused":
        assert messages[-1]["status"] in (400, 413, 422), (str(event), data, messages)
    elif not messages[-1]["success"]:
        error = error_of(messages)
        assert error, (str(event), data, messages)
        assert len(error) <= SENTENCE_LENGTH
