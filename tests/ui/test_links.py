"""What a link says is what the page shows, and nonsense in it keeps the defaults."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.features.layers import LAYERS
from explorer.features.network import RESNET50_NETWORK
from explorer.ui.links import read_options, read_pair, write_query
from explorer.ui.session.option import Choice, Number, Option
from explorer.ui.session.options import OPTIONS, RunOptions
from explorer.ui.tabs.explore import plain_options
from explorer.ui.tabs.explore_link import find_nonsense, read_question, write_question


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


@pytest.mark.parametrize(
    ("pair", "read"),
    [
        ("original,layer1 decoded", ("original", "layer1 decoded")),
        ("layer4 optimised,layer4 decoded", ("layer4 optimised", "layer4 decoded")),
        ("original", ()), ("original,layer9 decoded", ()), ("original,layer1", ()), ("", ()),
    ],
)  # fmt: skip
def test_a_pair_is_read_if_each_can_be_one_of_the_page_s_pictures(pair: str, read: tuple[str, ...]) -> None:
    assert read_pair(pair, LAYERS) == read


def question(name: str, layers: tuple[str, ...], second: str, **chosen: object) -> tuple[Any, ...]:
    """Write the values of all of Explore's controls: those of one experiment as given, others empty."""
    return (
        RESNET50_NETWORK, name, layers, second,
        [chosen.get(key) if one == name else None for one, keys in plain_options().items() for key in keys],
    )  # fmt: skip


def read_back(query: dict[str, str]) -> dict[str, Any]:
    """Read a question from an address and return the values that controls take."""
    name, layers, second, *controls = read_question(query, RESNET50_NETWORK)
    keys = [(one, key) for one, keys in plain_options().items() for key in keys]
    values = {
        key: update.get("value") for (one, key), update in zip(keys, controls, strict=True) if one == name
    }
    return {"name": name, "layers": layers, "second": second, **values}


def test_a_link_carries_explore_s_question() -> None:
    asked = question("surgery", ("layer2",), "coffee", edit="noise", amount=0.7, seed=3)
    query = write_question(*asked)
    assert query == {
        "experiment.layers": "layer2", "experiment.edit": "noise",
        "experiment.amount": "0.7", "experiment.seed": "3",
    }  # fmt: skip
    read = read_back(query)
    assert (read["name"], read["layers"]) == ("surgery", ["layer2"])
    assert (read["edit"], read["amount"], read["seed"]) == ("noise", 0.7, 3)


def test_a_link_to_another_experiment_names_it_and_its_second_picture() -> None:
    query = write_question(*question("blend", LAYERS, "rocket"))
    assert query == {"experiment": "blend", "experiment.second": "rocket"}
    assert read_back(query)["second"] == "rocket"


def test_what_a_question_does_not_change_is_not_in_the_link() -> None:
    assert write_question(*question("surgery", LAYERS, "coffee")) == {}


@pytest.mark.parametrize(
    "given",
    [
        {"experiment": "magic"}, {"experiment.seed": "many"}, {"experiment.layers": "layer9"},
        {"experiment.x": "1"}, {"experiment.second": "nobody"},
    ],
)  # fmt: skip
def test_nonsense_in_a_question_is_found(given: dict[str, str]) -> None:
    assert find_nonsense(given, RESNET50_NETWORK) == list(given)
