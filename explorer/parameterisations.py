"""Parameterisations: the spaces in which a picture is optimised, each an exact change of coordinates.

None squashes its range: a decoded picture may leave [0, 1]; the objective clamps it and pulls it back.
"""

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.images import Images
from explorer.settings import Settings

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


def make_parameterisation(
    settings: Settings, height: int, width: int, device: torch.device | None = None
) -> Parameterisation:
    """Make the parameterisation that the settings name, for pictures of this size."""
    if settings.parameterisation == "pixels":
        return Pixels()
    return Fourier(height, width, decay=settings.decay, device=device)


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
        frequency = _frequency(height, width, device).clamp_min(1 / max(height, width))
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


class BandLimited:
    """Another parameterisation whose pictures are shown without detail finer than a cutoff.

    Only `decode` filters, so that the parameters keep the detail for later.
    """

    def __init__(self, inner: Parameterisation, cutoff: float) -> None:
        self._inner = inner
        self._cutoff = cutoff  # Cycles per pixel.

    def encode(self, images: Images) -> Parameters:
        """Return the inner parameters of the unfiltered pictures."""
        return self._inner.encode(images)

    def decode(self, parameters: Parameters) -> Images:
        """Decode, then drop every frequency above the cutoff."""
        images = self._inner.decode(parameters)
        height, width = images.shape[2:]
        mask = _frequency(height, width, images.device) <= self._cutoff
        return torch.fft.irfft2(torch.fft.rfft2(images) * mask, s=(height, width))


def _frequency(height: int, width: int, device: torch.device | None) -> Float[Tensor, "height half"]:
    """Return the cycles per pixel of every entry of a real 2-D Fourier transform."""
    vertical = torch.fft.fftfreq(height, device=device)[:, None]
    return torch.hypot(vertical, torch.fft.rfftfreq(width, device=device)[None, :])
