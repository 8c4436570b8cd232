"""Feature errors against chance: the table that ships, and the verdicts it gives."""

import pytest
import torch

from explorer.features.layers import LAYERS
from explorer.images import Picture
from explorer.lab.lab import Lab
from explorer.metrics.chance import PAIRS, TABLE_FILE, PairErrors, describe_chance, pair_errors
from trainers.pair_errors import measure_pairs

TABLE = PairErrors({"layer1": "abcd"}, {"layer1": [0.5, 1.0, 1.0, 2.0]})


@pytest.mark.parametrize(("error", "farther"), [(0.1, 4), (0.5, 3), (1.0, 1), (3.0, 0), (None, None)])
def test_pairs_that_lie_farther_apart_are_counted(error: float | None, farther: int | None) -> None:
    assert TABLE.count_farther("layer1", "abcd", error) == farther


def test_other_layers_and_weights_have_no_verdict() -> None:
    assert TABLE.count_farther("layer2", "abcd", 0.1) is None
    assert TABLE.count_farther("layer1", "other", 0.1) is None
    assert describe_chance(None) == ""


def test_the_table_that_ships_is_whole_and_small() -> None:
    assert TABLE_FILE.stat().st_size <= 50_000
    assert tuple(pair_errors().errors) == tuple(pair_errors().fingerprints) == LAYERS
    for errors in pair_errors().errors.values():
        assert len(errors) == PAIRS
        assert errors == sorted(errors)
    assert describe_chance(987) == "closer than 987 of 1,000 random pairs of photos"


def test_pairs_are_of_different_pictures_and_alike_every_time(tiny_lab) -> None:
    pictures = [Picture(str(number), torch.full((1, 3, 64, 64), number / 4)) for number in range(3)]
    errors = measure_pairs(tiny_lab, pictures, "layer1", pairs=8)
    assert errors == measure_pairs(tiny_lab, pictures, "layer1", pairs=8) == sorted(errors)
    assert errors[0] > 0


def test_the_table_that_ships_is_of_the_compact_weights_at_every_layer() -> None:
    lab = Lab.load("compact")
    assert {layer: lab.trunk(layer).fingerprint for layer in LAYERS} == pair_errors().fingerprints
