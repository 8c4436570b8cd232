from types import SimpleNamespace

import torch

from explorer.images import Picture
from explorer.ui.session.live_metrics import LiveMetrics


def make_live_metrics() -> tuple[LiveMetrics, SimpleNamespace]:
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    scorer = SimpleNamespace(measure=lambda key, images, original: 0.5)
    made = [SimpleNamespace(layer=layer, images=images) for layer in ("layer1", "layer2")]
    return LiveMetrics(scorer, Picture("noise", images)), SimpleNamespace(reconstructions=lambda: made)  # type: ignore[arg-type]


def test_the_first_layer_is_read_at_once_and_the_next_one_later() -> None:
    metrics, race = make_live_metrics()
    metrics.read(race, 0.0)  # type: ignore[arg-type]
    assert set(metrics.take()) == {"layer1"}
    metrics.read(race, 0.0)  # type: ignore[arg-type]
    assert metrics.take() == {}
    metrics.read(race, 1e6)  # type: ignore[arg-type]
    fresh = metrics.take()
    assert set(fresh) == {"layer2"}
    assert fresh["layer2"].lpips == 0.5
    assert abs((fresh["layer2"].ssim or 0) - 1) < 1e-5
    assert set(metrics.latest) == {"layer1", "layer2"}


def test_what_nobody_took_is_kept_until_somebody_does() -> None:
    metrics, race = make_live_metrics()
    metrics.read(race, 0.0)  # type: ignore[arg-type]
    metrics.read(race, 1e6)  # type: ignore[arg-type]
    assert set(metrics.take()) == {"layer1", "layer2"}


def test_before_the_first_step_there_is_nothing_to_read() -> None:
    metrics, _ = make_live_metrics()
    metrics.read(SimpleNamespace(reconstructions=list), 0.0)  # type: ignore[arg-type]
    assert metrics.take() == {}
