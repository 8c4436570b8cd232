"""A stranger’s file of features is read in a process with limits as it is here: to the bit, to the word."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import save

from explorer.decoding.tensors import Held, Unpacked
from explorer.features.recorded import KEY, FeaturesError, RecordedFeatures, parse_features
from explorer.features.recorded_apart import parse_features_apart

MOST = 12 * 2**20
MAPS = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(0))


def read_both(content: bytes, *layers: str) -> list[RecordedFeatures | str]:
    found = list[RecordedFeatures | str]()
    for parse in (parse_features, parse_features_apart):
        try:
            found.append(parse(content, "mine", layers=layers, most=MOST))
        except FeaturesError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_features_come_through_the_process_to_the_bit(kind: torch.dtype) -> None:
    maps = {"layer2": MAPS.to(kind), "layer1": MAPS[0].to(kind).clone()}
    about = RecordedFeatures("x", {}, (64, 32), "V1", "abc", {"layer1": "f"}).pack()
    words = json.loads(about[8 : 8 + int.from_bytes(about[:8], "little")])["__metadata__"]
    here, apart = read_both(save(maps, words))
    assert isinstance(here, RecordedFeatures)
    assert isinstance(apart, RecordedFeatures)
    assert apart.layers == here.layers == ["layer1", "layer2"]
    assert all(torch.equal(apart.features[node], maps.float()) for node, maps in here.features.items())
    assert (apart.size, apart.weights, apart.digest, apart.fingerprints) == (
        (64, 32),
        "V1",
        "abc",
        {"layer1": "f"},
    )


def test_a_bare_tensor_takes_the_name_of_the_only_layer() -> None:
    _, apart = read_both(save({"anything": MAPS}), "layer3")
    assert isinstance(apart, RecordedFeatures)
    assert torch.equal(apart.features["layer3"], MAPS)


ODD: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut short": (lambda: save({"a": MAPS})[:-1], "is damaged"),
    "a header of a list": (lambda: b"\x0a" + bytes(7) + b"{\"a\":[ ]}" , "is damaged"),
    "a text for a header": (lambda: save({"a": MAPS}, {KEY: "{oc.env:HOME}"}), "header that cannot be read"),
    "another version": (lambda: save({"a": MAPS}, {KEY: json.dumps(header(version=2))}), "another version"),
    "whole numbers": (lambda: save({"a": torch.ones(1, 8, 4, 4, dtype=torch.int32)}), "no floating-point"),
    "no number": (lambda: save({"a": MAPS * torch.nan}), "infinite or no number"),
    "two pictures": (lambda: save({"a": torch.cat([MAPS, MAPS])}), "not those of one picture"),
    "empty": (lambda: save({}), "holds no features"),
    "many": (lambda: save({str(one): torch.ones(1) for one in range(65)}), "more than 64 tensors"),
    "a long header": (lambda: save({"a": MAPS}, {"b": "x" * 2**16}), "a longer header"),
    "too large": (lambda: save({"a": torch.zeros(MOST // 4 + 1)}), "larger than 12 MB"),
    "a pickle": (lambda: b"\x80\x04\x95\0\0", "no safetensors file"),
}  # fmt: skip


def header(**changes: Any) -> dict[str, Any]:
    return {"version": 1, "weights": None, "digest": None, "fingerprints": {}, "size": [64, 64], **changes}


@pytest.mark.parametrize("fault", ODD)
def test_an_odd_file_ends_in_the_same_sentence_as_here(fault: str) -> None:
    make, said = ODD[fault]
    here, apart = read_both(make())
    assert isinstance(apart, str)
    assert said in apart
    assert apart == here


def test_what_a_process_sends_that_does_not_fit_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes the process over may answer anything: another shape, another kind, too few bytes."""
    content = save({"a": MAPS})

    for held in (
        Held("a", "F32", [4, 1], 12),
        Held("a", "F99", [3], 12),
        Held("a", "F32", [3], 11),
        Held("a", "F32", [3], -1),
        Held("a", "F32", [2**40], 2**42),
        Held("a", "F32", [-1, -1], 12),
    ):
        answer = Unpacked([held], {}, bytes(12))
        monkeypatch.setattr("explorer.features.recorded_apart.unpack_apart", lambda _, one=answer: one)
        with pytest.raises(FeaturesError, match="is damaged"):
            parse_features_apart(content, "mine", most=MOST)
