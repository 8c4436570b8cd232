"""No text from outside is ever interpolated: the environment of the server stays its own."""

import json
import os
from typing import Any

import pytest

from explorer.inversion.settings import SettingsError, parse_overrides
from tests.support.raw import RawPage, error_of

pytestmark = pytest.mark.usefixtures("fast_judge")

SECRET = "a-value-of-the-environment-that-nobody-may-read"
ATTACK = "${oc.env:EXPLORER_TEST_SECRET}"
# What an attacker puts in an input's place.
ATTACKS = [ATTACK, [ATTACK], {"path": ATTACK, "name": f"1,seed={ATTACK}"}]


@pytest.fixture(scope="module")
def page(address) -> RawPage:
    os.environ["EXPLORER_TEST_SECRET"] = SECRET
    return RawPage(address)


@pytest.mark.parametrize("is_thorough", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_event_tells_a_value_of_the_environment(page, is_thorough: bool):
    tried = [
        (event, list(data))
        for turn, event in enumerate(page.handlers)
        for data in [event.inputs, *_attacks(event.inputs, turn, is_thorough=is_thorough)]
    ]
    assert sum(ATTACK in json.dumps(data) for _, data in tried) >= sum(
        bool(one.inputs) for one in page.handlers
    )
    attacked = {"name": ATTACK, "a": ATTACK, "b": ATTACK, ATTACK: ATTACK}
    for (event, data), answer in zip(tried, page.send_all(tried, attacked), strict=True):
        assert SECRET not in json.dumps(answer), (str(event), data)
    assert {event.name for event in page.handlers} >= {
        "run",
        "preview",
        "measure_experiment",
        "write",
        "explore",
    }


def _attacks(inputs: tuple[Any, ...], turn: int, *, is_thorough: bool) -> list[tuple[Any, ...]]:
    """Put every attack in each place by itself, or else one in all places at once: events take turns."""
    if not is_thorough:
        return [(ATTACKS[turn % len(ATTACKS)],) * len(inputs)]
    return [(*inputs[:at], attack, *inputs[at + 1 :]) for at in range(len(inputs)) for attack in ATTACKS]


@pytest.mark.parametrize("name", ["reconstruct", "optimise"])
@pytest.mark.parametrize("place", range(5))
def test_the_api_refuses_an_interpolation_in_one_clear_sentence(page, name, place):
    data: list[object] = ["cat", "layer1", "optimiser", 2, 0]
    data[place] = ATTACK
    error = error_of(page.send(page.event(name), data))
    assert error is not None
    assert "must be" in error or "Unknown" in error


def test_an_override_that_interpolates_is_refused():
    os.environ["EXPLORER_TEST_SECRET"] = SECRET
    with pytest.raises(SettingsError, match="write the value itself") as refusal:
        parse_overrides([f"steps={ATTACK}"])
    assert SECRET not in str(refusal.value)
