"""What a link says is what the page shows, and nonsense in it keeps the defaults."""

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.features.layers import LAYERS
from explorer.ui.links import read_options, write_query
from explorer.ui.session.option import Choice, Number, Option
from explorer.ui.session.options import OPTIONS, RunOptions


def values_of(option: Option) -> st.SearchStrategy:
    if isinstance(option, Choice):
        return st.sampled_from(list(option.choices.values()))
    if isinstance(option, Number):
        return st.integers(option.low, option.high)
    return st.sets(st.sampled_from(option.choices), min_size=1).map(
        lambda chosen: tuple(one for one in option.choices if one in chosen)
    )


@given(st.fixed_dictionaries({name: values_of(option) for name, option in OPTIONS.items()}))
def test_a_link_leads_to_the_options_that_it_was_written_for(values: dict) -> None:
    options = RunOptions(**values)
    query = parse_qs(write_query(options, "cat"))
    assert query.pop("example") == ["cat"]
    assert read_options({name: given[0] for name, given in query.items()}) == options


def test_a_link_to_the_defaults_names_the_example_alone() -> None:
    assert write_query(RunOptions(), "cat") == "example=cat"
    assert write_query(RunOptions(), None) == ""


@pytest.mark.parametrize(
    "given",
    [
        {"start": "magic"}, {"steps": "many"}, {"steps": "-1"}, {"steps": "1e3"}, {"steps": "²"},
        {"seed": ""}, {"prior": "0.3"}, {"layers": "layer9"}, {"layers": ""}, {"unknown": "1"},
    ],
)  # fmt: skip
def test_nonsense_keeps_the_defaults(given: dict[str, str]) -> None:
    assert read_options(given) == RunOptions()


def test_numbers_are_brought_within_their_limits() -> None:
    read = read_options({"steps": "999999", "seconds": "1", "layers": "layer4,layer1,layer9"})
    assert (read.steps, read.seconds) == (1000, 5)
    assert read.layers == (LAYERS[0], LAYERS[3])


@pytest.mark.parametrize("text", ["2", "2.0"])
def test_a_whole_number_is_read_however_a_browser_writes_it(text: str) -> None:
    assert read_options({"prior": text}).prior == 2
    assert write_query(RunOptions(prior=2), None) == write_query(RunOptions(prior=2.0), None) == "prior=2"
