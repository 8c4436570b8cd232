"""Facts about the parameterisations."""

import pytest
import torch

from explorer.inversion.parameterisations import (
    COLOUR_AXES,
    GREY,
    CosineTransform,
    FourierTransform,
    Parameterisation,
    Pixels,
    Spectrum,
)


def parameterisations(height: int, width: int) -> list[Parameterisation]:
    transforms = FourierTransform(height, width), CosineTransform(height, width)
    return [Pixels(), *(Spectrum(transform, decay) for transform in transforms for decay in (0.0, 1.0))]


@pytest.mark.parametrize("size", [(32, 32), (31, 32), (32, 33)])
def test_every_parameterisation_returns_the_picture_it_encoded(size: tuple[int, int]):
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    for parameterisation in parameterisations(*size):
        torch.testing.assert_close(parameterisation.decode(parameterisation.encode(images)), images)


def test_zero_parameters_are_mid_grey():
    grey = torch.full((1, 3, 16, 16), GREY)
    for parameterisation in parameterisations(16, 16):
        torch.testing.assert_close(parameterisation.decode(parameterisation.encode(grey) * 0), grey)


def test_the_cosine_transform_is_orthonormal_and_has_the_mean_first():
    planes = torch.randn(1, 3, 16, 20, generator=torch.Generator().manual_seed(0))
    coefficients = CosineTransform(16, 20).analyse(planes)
    torch.testing.assert_close(coefficients.square().sum(), planes.square().sum())
    torch.testing.assert_close(coefficients[..., 0, 0], planes.mean((2, 3)) * (16 * 20) ** 0.5)


def test_the_fourier_transform_keeps_the_size_of_every_plane():
    planes = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    squares = FourierTransform(16, 16).analyse(planes).square().sum(-1)
    weights = torch.full((9,), 2.0)  # The real transform leaves out half of all columns but the outer two.
    weights[[0, -1]] = 1.0
    torch.testing.assert_close((squares * weights).sum(), planes.square().sum())


def test_colour_axes_are_decorrelated_and_brightness_comes_first():
    parameters = Spectrum(CosineTransform(16, 16), decay=1.0).encode(torch.full((1, 3, 16, 16), 0.9))
    assert parameters[0, 0].abs().sum() > 3 * parameters[0, 1:].abs().sum()
    axes = torch.tensor(COLOUR_AXES)
    torch.testing.assert_close(axes.T @ axes, torch.diag((axes**2).sum(0)), atol=0.01, rtol=0)


@pytest.mark.parametrize("transform", [FourierTransform(32, 32), CosineTransform(32, 32)])
def test_decay_makes_fine_detail_cost_more_parameters(transform: FourierTransform | CosineTransform):
    def cost(period: int) -> float:
        wave = torch.cos(2 * torch.pi * (torch.arange(32) + 0.5) / period).expand(1, 3, 32, 32) * 0.1 + GREY
        return Spectrum(transform, decay=1.0).encode(wave).abs().sum().item()

    assert cost(4) > cost(8) > cost(32)
