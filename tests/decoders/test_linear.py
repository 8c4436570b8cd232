"""Linear decoders: they find a linear map that exists, and are cached by the trunk's fingerprint."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torchvision.models.resnet import ResNet

from explorer.decoders.linear import LinearDecoder, linear_decoder
from explorer.decoders.regression import LinearDecoderError, fit_linear_map
from explorer.examples import load_example
from explorer.features.backbone import load_backbone
from explorer.features.trunk import Trunk, build_trunk
from explorer.metrics.functional import psnr


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let decoders be fitted on a few small pictures."""
    monkeypatch.setattr("explorer.decoders.linear.example_batches", lambda: batches(2))


@pytest.fixture
def conv1_trunk(tiny_network: ResNet) -> Trunk:
    """Before any ReLU: 64 linear outputs per 2x2 pixels, so the picture is linearly there."""
    return build_trunk(tiny_network, "conv1")


def batches(count: int, size: int = 64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(4, 3, size, size, generator=generator) for _ in range(count)]


def pairs(trunk: Trunk, images: list[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    return ((trunk(batch)[trunk.nodes[0]], batch) for batch in images)


def test_linear_decoder_inverts_a_linear_layer(conv1_trunk: Trunk) -> None:
    *known, fresh = batches(6)
    decoder = LinearDecoder("conv1", fit_linear_map(pairs(conv1_trunk, known), ridge=1e-6))
    assert psnr(decoder(conv1_trunk(fresh)), fresh).mean() > 30


@pytest.mark.usefixtures("few_pictures")
def test_first_fit_is_cached_by_fingerprint_and_read_back(conv1_trunk: Trunk, cache: Path) -> None:
    first = linear_decoder(conv1_trunk)
    (path,) = cache.iterdir()
    assert conv1_trunk.fingerprint in path.name
    changed = path.stat().st_mtime_ns
    second = linear_decoder(conv1_trunk)
    assert path.stat().st_mtime_ns == changed
    torch.testing.assert_close(first.weight, second.weight)


@pytest.mark.usefixtures("few_pictures", "cache")
def test_a_fit_tells_the_share_that_is_done_and_what_is_kept_tells_nothing(conv1_trunk: Trunk) -> None:
    told: list[float] = []
    linear_decoder(conv1_trunk, told.append)
    assert told == pytest.approx([0, 1 / 33, 32 / 33, 1])  # 32 batches of crops, and the equations.
    told.clear()
    linear_decoder(conv1_trunk, told.append)
    assert told == []


@pytest.mark.usefixtures("few_pictures")
def test_damaged_cache_is_fitted_again(conv1_trunk: Trunk, cache: Path) -> None:
    first = linear_decoder(conv1_trunk)
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    torch.testing.assert_close(linear_decoder(conv1_trunk).weight, first.weight)


def test_nodes_without_a_map_or_several_nodes_are_errors(tiny_network: ResNet) -> None:
    with pytest.raises(ValueError, match="one layer"):
        linear_decoder(build_trunk(tiny_network, "layer1+layer2"))
    with pytest.raises(ValueError, match="feature map"):
        fit_linear_map(pairs(build_trunk(tiny_network, "fc"), batches(1)))


def test_a_map_too_coarse_to_be_read_is_refused_before_the_regression(tiny_network: ResNet) -> None:
    with pytest.raises(LinearDecoderError, match="at most, not for 64x64"):
        fit_linear_map(pairs(build_trunk(tiny_network, "avgpool"), batches(1)))


def test_no_pictures_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fit_linear_map([])


@pytest.mark.slow
def test_layer3_of_resnet50_is_linearly_readable_beyond_its_mean_colour(cache: Path) -> None:
    trunk = build_trunk(load_backbone("compact").network, "layer3")
    decoder = linear_decoder(trunk)
    images = load_example("astronaut").images
    with torch.no_grad():
        grey = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
        assert psnr(decoder(trunk(images)), images) > psnr(grey, images) + 3
