"""Known answers of the priors."""

import pytest
import torch
from torch.nn.functional import smooth_l1_loss

from explorer.features.trunk import BatchNormStatistics
from explorer.inversion.priors import (
    TV_ROUNDING,
    alpha_norm,
    batchnorm_distance,
    closeness,
    squared_distance,
    total_variation,
)


def checkerboard(size: int = 8) -> torch.Tensor:
    ramp = torch.arange(size)
    return ((ramp[:, None] + ramp[None]) % 2).float().expand(1, 3, size, size)


def test_total_variation_of_a_checkerboard_is_2():
    assert total_variation(checkerboard()).item() == pytest.approx(2.0, rel=0.01)


def test_total_variation_of_a_flat_picture_is_0_and_so_is_its_gradient():
    flat = torch.full((1, 3, 8, 8), 0.3, requires_grad=True)
    value = total_variation(flat).sum()
    value.backward()
    assert value.item() == 0
    assert flat.grad is not None
    assert not flat.grad.any()


def test_total_variation_of_a_ramp_is_its_slope():
    ramp = torch.linspace(0, 1, 11).expand(2, 3, 11, 11)
    torch.testing.assert_close(total_variation(ramp), torch.full((2,), 0.1), rtol=0.03, atol=0)


def test_total_variation_and_its_gradient_are_those_of_hubers_loss():
    images = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0)) / 100
    images.requires_grad_()
    plain = sum(
        smooth_l1_loss(
            images.narrow(dim, 1, size), images.narrow(dim, 0, size), reduction="none", beta=TV_ROUNDING
        )
        .flatten(1)
        .mean(1)
        for dim, size in ((2, 8), (3, 6))
    )
    assert isinstance(plain, torch.Tensor)
    torch.testing.assert_close(total_variation(images), plain)
    weights = torch.tensor([1.0, 3.0])
    found, wanted = (
        torch.autograd.grad(value, images, weights)[0] for value in (total_variation(images), plain)
    )
    torch.testing.assert_close(found, wanted)


def test_alpha_norm_is_0_for_grey_1_for_black_and_white_and_steep_outside():
    def of(value: float) -> float:
        return alpha_norm(torch.full((1, 3, 4, 4), value)).item()

    assert of(0.5) == 0
    assert of(0.0) == of(1.0) == 1
    assert of(1.5) == 64


def test_closeness_is_the_mean_squared_distance():
    images = torch.zeros(2, 3, 4, 4)
    torch.testing.assert_close(
        closeness(images, images + torch.tensor([0.1, 0.5]).view(2, 1, 1, 1)), torch.tensor([0.01, 0.25])
    )


def test_closeness_is_the_mean_square_and_its_gradient_that_of_autograd():
    images = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    reference = torch.full((2, 3, 4, 4), 0.4)
    plain = (images - reference).square().flatten(1).mean(1)
    torch.testing.assert_close(closeness(images, reference), plain)
    weights = torch.tensor([1.0, 3.0])
    found, wanted = (
        torch.autograd.grad(value, images, weights)[0] for value in (closeness(images, reference), plain)
    )
    torch.testing.assert_close(found, wanted)


def test_distances_of_half_precision_are_summed_in_full_precision():
    values = torch.ones(1, 10_000, dtype=torch.bfloat16, requires_grad=True)
    distance = squared_distance(values, torch.zeros(1, 10_000))
    (gradient,) = torch.autograd.grad(distance.sum(), values)
    assert distance.item() == 10_000
    assert gradient.dtype == torch.bfloat16
    assert (gradient == 2).all()


def test_batchnorm_distance_is_0_at_the_training_statistics_and_1_for_a_mean_twice_as_large():
    inputs = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    inputs = (inputs - inputs.mean((2, 3), keepdim=True)) / inputs.std(
        (2, 3), keepdim=True, correction=0
    ) + 3.0
    expected = BatchNormStatistics(mean=torch.full((4,), 3.0), variance=torch.ones(4))
    torch.testing.assert_close(
        batchnorm_distance({"bn": inputs}, {"bn": expected}), torch.zeros(2), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(batchnorm_distance({"bn": inputs + 3.0}, {"bn": expected}), torch.ones(2))
