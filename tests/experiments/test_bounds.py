"""Every option of every experiment has bounds, and they hold before anything is computed."""

from typing import get_args, get_type_hints

import pytest
import torch

from explorer.errors import ExplorerError
from explorer.experiments import EXPERIMENTS, run_experiment
from explorer.experiments.experiment import ExperimentError, knobs, make_options
from explorer.experiments.operations import edit_table
from explorer.experiments.operations.edit_table import EDITS, parse_channels, parse_region
from explorer.experiments.operations.edits import EditError, blur_positions
from explorer.experiments.surgery import SURGERY
from explorer.lab.layer import LayerLab

OPTIONS = [(name, key) for name, entry in EXPERIMENTS.items() for key in knobs(entry.options)]
EXTREMES = [
    1e308,
    -1e308,
    10**400,
    -(10**400),
    float("nan"),
    float("inf"),
    "9" * 5_000,
    "1e999",
    True,
    [0],
    {},
]


@pytest.mark.parametrize(("name", "key"), OPTIONS)
def test_every_option_has_bounds(name: str, key: str) -> None:
    options = EXPERIMENTS[name].options
    knob, kind = knobs(options)[key], get_type_hints(options)[key]
    if {int, float} & {kind, *get_args(kind)}:
        assert knob.low is not None
        assert knob.high is not None
    else:
        assert knob.choices or knob.is_file or 0 < knob.length <= 1000


@pytest.mark.parametrize(("name", "key"), OPTIONS)
@pytest.mark.parametrize("value", EXTREMES)
def test_an_extreme_value_is_refused_in_one_sentence_or_taken(name: str, key: str, value: object) -> None:
    try:
        make_options(EXPERIMENTS[name].options, {key: value})
    except ExperimentError as error:
        assert len(str(error)) < 300  # noqa: PT017


@pytest.mark.parametrize("text", ["0-100000000", "0-255,9" + "9" * 300, "4294967296-4294967297", "256"])
def test_channels_are_looked_at_before_they_are_listed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_table, "range", lambda *_: pytest.fail("listed"), raising=False)
    with pytest.raises(EditError, match=r"There is no channel .*: these features have 0 to 255") as refusal:
        parse_channels(text.removeprefix("0-255,"), 256)
    assert len(str(refusal.value)) < 200


def test_channels_are_read_as_they_are_written() -> None:
    assert parse_channels("0-2, 5,007", 8) == {0, 1, 2, 5, 7}
    for text in ("", "a", "1-", "-1", "1--2", "²", "٣", "1.5"):
        with pytest.raises(EditError, match="is no list of channels"):
            parse_channels(text, 8)


@pytest.mark.parametrize("text", ["1e999,0", "nan,0", "0,inf", "1,2,3", "", "nan,nan,nan,nan", "1e400,0,1,1"])
def test_a_region_of_odd_numbers_is_refused(text: str) -> None:
    with pytest.raises(EditError):
        parse_region(text, 8, 8)


@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if edit.amount])
def test_an_amount_beyond_its_edit_is_refused_before_anything_is_computed(
    coarse_lab, pictures, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(LayerLab, "decode", lambda *_: pytest.fail("computed"))
    high = EDITS[name].high(256)
    for amount in (high * 1.01 + 1, 20_000):
        with pytest.raises(ExplorerError, match=f"(from|keep) {EDITS[name].low:g} to {high:g}, not"):
            run_experiment("surgery", coarse_lab, pictures[:1], ["layer1"], edit=name, amount=amount)


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_works_with_its_first_values(coarse_lab, pictures, name: str) -> None:
    assert SURGERY.adapt is not None
    offers = SURGERY.adapt({"edit": name}, 256)
    first = {key: offer.default for key, offer in offers.items() if offer.knob is not None}
    result = run_experiment("surgery", coarse_lab, pictures[:1], ["layer1"], edit=name, **first)
    assert result.progress == 1


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_works_with_its_first_values_at_a_layer_of_few_channels(name: str) -> None:
    assert SURGERY.adapt is not None
    offers = SURGERY.adapt({"edit": name, "channels": "0-63"}, 16)
    assert offers["channels"].default == "0-7"
    knob = offers["amount"].knob
    assert (knob is None) == (name in ("drop", "region"))
    assert knob is None or (knob.low is not None and knob.high is not None and knob.low < knob.high)


def test_a_blur_too_narrow_to_be_seen_changes_nothing() -> None:
    features = torch.rand(1, 2, 4, 4)
    assert torch.equal(blur_positions(features, 1e-300), features)


def test_a_layer_named_twice_is_taken_once(coarse_lab, pictures) -> None:
    result = run_experiment("surgery", coarse_lab, pictures[:1], ["layer1"] * 200, edit="region")
    assert [one.layer for one in result.pictures] == [None, "layer1"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("channels", {"amount", "fill"}),
        ("drop", {"channels", "fill"}),
        ("region", {"region", "fill"}),
        ("noise", {"amount", "seed"}),
        ("blur", {"amount"}),
    ],
)
def test_an_edit_offers_only_what_it_takes(name: str, shown: set[str]) -> None:
    assert SURGERY.adapt is not None
    offers = SURGERY.adapt({"edit": name}, 256)
    hidden = {key for key, offer in offers.items() if offer.knob is None}
    assert {"amount", "channels", "region", "fill", "seed"} - hidden == shown
