"""The metrics against scikit-image, closed forms and published values."""

import math

import numpy as np
import pytest
import skimage.metrics
import torch
from scipy.ndimage import convolve

from explorer.examples import load_example
from explorer.metrics.functional import (
    feature_cosine,
    feature_error,
    grid_ratio,
    psnr,
    ssim,
    top5_agreement,
)


def noisy_pair(sigma: float = 0.1) -> tuple[torch.Tensor, torch.Tensor]:
    original = torch.cat([load_example(name, size=64).images for name in ("astronaut", "coffee")])
    noise = torch.randn(original.shape, generator=torch.Generator().manual_seed(0))
    return (original + sigma * noise).clamp(0, 1), original


def ssim_by_definition(x: np.ndarray, y: np.ndarray) -> float:
    """Equation 13 of Wang et al. (2004) on one channel, with the paper's full 11x11 window."""
    axis = np.arange(-5, 6)
    window = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(values: np.ndarray) -> np.ndarray:
        return convolve(values, window)[5:-5, 5:-5]

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float((luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)).mean())


def test_psnr_matches_scikit_image():
    images, original = noisy_pair()
    expected = [
        skimage.metrics.peak_signal_noise_ratio(y.numpy(), x.numpy(), data_range=1)
        for x, y in zip(images, original, strict=True)
    ]
    assert psnr(images, original).tolist() == pytest.approx(expected, abs=1e-4)


def test_psnr_of_a_tenth_everywhere_is_20_db():
    grey = torch.full((1, 3, 8, 8), 0.5)
    assert psnr(grey + 0.1, grey).item() == pytest.approx(20, abs=1e-4)


def test_psnr_is_0_for_black_on_white_and_infinite_for_equal_pictures():
    white = torch.ones(1, 3, 8, 8)
    assert psnr(white, torch.zeros_like(white)).item() == 0
    assert math.isinf(psnr(white, white).item())


def test_ssim_is_the_mean_over_channels_of_its_definition():
    images, original = noisy_pair()
    for x, y, value in zip(images.double(), original.double(), ssim(images, original), strict=True):
        expected = np.mean([ssim_by_definition(a.numpy(), b.numpy()) for a, b in zip(x, y, strict=True)])
        assert value.item() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_flat_pictures_is_their_luminance_term():
    dark, light = torch.full((1, 3, 16, 16), 0.2), torch.full((1, 3, 16, 16), 0.6)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert ssim(dark, light).item() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_equal_pictures_is_one():
    _, original = noisy_pair()
    assert ssim(original, original).tolist() == pytest.approx([1, 1])


def test_feature_error_is_relative_and_squared():
    target = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    assert feature_error(2 * target, target).tolist() == [1, 1]
    assert feature_error(1.1 * target, target).tolist() == pytest.approx([0.01, 0.01])
    assert feature_error(target, target).tolist() == [0, 0]


def test_feature_cosine_ignores_scale():
    target = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    assert feature_cosine(7 * target, target).tolist() == pytest.approx([1, 1])
    assert feature_cosine(-target, target).tolist() == pytest.approx([-1, -1])
    assert feature_cosine(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])).item() == 0


def test_top5_agreement_counts_shared_classes_in_any_order():
    target = torch.arange(10.0)[None]
    assert top5_agreement(target, target).item() == 1
    assert top5_agreement(-target, target).item() == 0
    shares_three = torch.tensor([[9.0, 8, 0, 0, 0, 0, 0, 7, 6, 5]])
    assert top5_agreement(shares_three, target).item() == pytest.approx(0.6)


def test_the_grid_of_a_ramp_is_one_and_that_of_flat_cells_infinite() -> None:
    ramp = torch.linspace(0, 1, 32).expand(2, 3, 32, 32)
    torch.testing.assert_close(grid_ratio(ramp + ramp.mT, 8), torch.ones(2), atol=1e-4, rtol=0)
    cells = torch.rand(2, 3, 4, 4).repeat_interleave(8, -1).repeat_interleave(8, -2)
    assert torch.isinf(grid_ratio(cells, 8)).all()


def test_a_grid_of_steps_three_times_as_high_at_borders_is_three() -> None:
    heights = torch.tensor([3.0 if place % 4 == 0 else 1.0 for place in range(1, 16)])
    profile = torch.cat([torch.zeros(1), heights.cumsum(0)]) / 30
    images = (profile + profile[:, None]).expand(1, 3, 16, 16)
    torch.testing.assert_close(grid_ratio(images, 4), torch.tensor([3.0]), atol=1e-3, rtol=0)
