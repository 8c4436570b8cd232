"""Parameterisations: the spaces in which a picture is optimised, each an exact change of coordinates.

None squashes its range: a picture may leave [0, 1] on the way, and priors pull it back.
"""

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.images import Images

# Columns: the principal axes of RGB over ImageNet times their standard deviations (Olah et al. 2017, "Feature
# Visualization", the colour matrix of their code).
COLOUR_AXES = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
GREY = 0.5

Parameters = Float[Tensor, "batch ..."]


class Parameterisation(Protocol):
    """Maps pictures to the parameters an optimiser moves, and back; decode(encode(x)) is x."""

    def encode(self, images: Images) -> Parameters:
        """Return the parameters of these pictures."""
        ...

    def decode(self, parameters: Parameters) -> Images:
        """Return the pictures of these parameters; values may lie outside [0, 1]."""
        ...


class Pixels:
    """The picture itself, from mid-grey."""

    def encode(self, images: Images) -> Parameters:
        """Return the pictures' distance from mid-grey."""
        return images - GREY

    def decode(self, parameters: Parameters) -> Images:
        """Add mid-grey."""
        return parameters + GREY


class Fourier:
    """A spectrum divided by frequency ** -decay, in decorrelated colours (Olah et al. 2017).

    Natural pictures have a spectrum near 1 / frequency, so at decay 1 every parameter has about the same
    size, and a gradient step moves coarse structure first, as far as it is large in nature.
    """

    def __init__(self, height: int, width: int, *, decay: float, device: torch.device | None = None) -> None:
        vertical = torch.fft.fftfreq(height, device=device)[:, None]
        horizontal = torch.fft.rfftfreq(width, device=device)[None, :]
        frequency = torch.hypot(vertical, horizontal).clamp_min(1 / max(height, width))
        scale = frequency**-decay
        # A white spectrum of unit parameters gives a picture of unit variance along every colour axis.
        self._scale = (scale / scale.square().mean().sqrt())[..., None]
        self._size = (height, width)
        self._colours = torch.tensor(COLOUR_AXES, device=device)
        self._colours_inverse = torch.linalg.inv(self._colours)

    def encode(self, images: Images) -> Float[Tensor, "batch 3 height half 2"]:
        """Return the scaled spectrum as real and imaginary parts."""
        planes = torch.einsum("cd,bdhw->bchw", self._colours_inverse, images - GREY)
        return torch.view_as_real(torch.fft.rfft2(planes, norm="ortho")) / self._scale

    def decode(self, parameters: Float[Tensor, "batch 3 height half 2"]) -> Images:
        """Transform the spectrum back into colours."""
        spectrum = torch.view_as_complex(parameters * self._scale)
        planes = torch.fft.irfft2(spectrum, s=self._size, norm="ortho")
        return torch.einsum("cd,bdhw->bchw", self._colours, planes) + GREY
