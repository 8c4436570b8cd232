"""Facts about the parameterisations."""

import pytest
import torch

from explorer.parameterisations import COLOUR_AXES, GREY, Fourier, Parameterisation, Pixels


def parameterisations(height: int, width: int) -> list[Parameterisation]:
    return [Pixels(), Fourier(height, width, decay=1.0), Fourier(height, width, decay=0.0)]


@pytest.mark.parametrize("size", [(32, 32), (31, 32), (32, 33)])
def test_every_parameterisation_returns_the_picture_it_encoded(size: tuple[int, int]):
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    for parameterisation in parameterisations(*size):
        torch.testing.assert_close(parameterisation.decode(parameterisation.encode(images)), images)


def test_zero_parameters_are_mid_grey():
    grey = torch.full((1, 3, 16, 16), GREY)
    for parameterisation in parameterisations(16, 16):
        torch.testing.assert_close(parameterisation.decode(parameterisation.encode(grey) * 0), grey)


def test_fourier_without_decay_keeps_distances_in_decorrelated_colours():
    parameterisation = Fourier(16, 16, decay=0.0)
    planes = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    images = torch.einsum("cd,bdhw->bchw", torch.tensor(COLOUR_AXES), planes) + GREY
    spectrum = torch.view_as_complex(parameterisation.encode(images))
    weights = torch.full((9,), 2.0)  # The real transform leaves out half of all columns but the outer two.
    weights[[0, -1]] = 1.0
    torch.testing.assert_close((spectrum.abs().square() * weights).sum(), planes.square().sum())


def test_fourier_with_decay_makes_fine_detail_cost_more_parameters():
    def cost(period: int) -> float:
        wave = torch.cos(2 * torch.pi * torch.arange(32) / period).expand(1, 3, 32, 32) * 0.1 + GREY
        return Fourier(32, 32, decay=1.0).encode(wave).abs().sum().item()

    assert cost(2) > cost(8) > cost(32)
