"""The metrics of a running race: of one layer at a time, the next one when its share of the time allows."""

import pytest

from explorer.examples import load_example
from explorer.images import Picture, quantise
from explorer.inversion.settings import load_settings
from explorer.lab.lab import Lab
from explorer.lab.race import Race
from explorer.metrics.functional import ssim
from explorer.ui.session.live_metrics import LiveMetrics

SETTINGS = {layer: load_settings(layer, evaluations=2) for layer in ("layer1", "layer2")}


@pytest.fixture
def picture() -> Picture:
    return load_example("cat", size=64)


@pytest.fixture
def metrics(coarse_lab: Lab, picture: Picture) -> LiveMetrics:
    return LiveMetrics(coarse_lab.scorer, picture)


@pytest.fixture
def race(coarse_lab: Lab, picture: Picture) -> Race:
    race = coarse_lab.race(picture, SETTINGS)
    assert list(race.frames())
    return race


def test_the_first_layer_is_read_at_once_and_the_next_one_later(
    metrics: LiveMetrics, race: Race, picture: Picture
) -> None:
    metrics.read(race, 0.0)
    assert set(metrics.take()) == {"layer1"}
    metrics.read(race, 0.0)
    assert metrics.take() == {}
    metrics.read(race, 1e6)
    fresh = metrics.take()
    assert set(fresh) == {"layer2"}
    assert 0 < (fresh["layer2"]["lpips"] or 0) < 2
    (reached,) = [made.images for made in race.reconstructions() if made.layer == "layer2"]
    assert fresh["layer2"]["ssim"] == float(ssim(quantise(reached), quantise(picture.images)))
    assert set(metrics.latest) == {"layer1", "layer2"}


def test_what_nobody_took_is_kept_until_somebody_does(metrics: LiveMetrics, race: Race) -> None:
    metrics.read(race, 0.0)
    metrics.read(race, 1e6)
    assert set(metrics.take()) == {"layer1", "layer2"}


def test_before_the_first_step_there_is_nothing_to_read(
    metrics: LiveMetrics, coarse_lab: Lab, picture: Picture
) -> None:
    metrics.read(coarse_lab.race(picture, SETTINGS), 0.0)
    assert metrics.take() == {}
