"""Parameterisations: the spaces in which a picture is optimised, each an exact change of coordinates.

None squashes its range: a decoded picture may leave [0, 1]; the objective clamps it and pulls it back.
`PARAMETERISATIONS` is the one table of them: settings and the command line read it.
"""

import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.images import Images

# Columns: the principal axes of RGB over ImageNet times their standard deviations (Olah et al. 2017, "Feature
# Visualization", the colour matrix of their code).
COLOUR_AXES = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
# Worked out here, so that no graph of a parameterisation computes them.
COLOURS = torch.tensor(COLOUR_AXES)
COLOURS_INVERSE = torch.linalg.inv(COLOURS)
GREY = 0.5

Parameters = Float[Tensor, "batch ..."]
Planes = Float[Tensor, "batch 3 height width"]


@runtime_checkable
class Parameterisation(Protocol):
    """Maps pictures to the parameters an optimiser moves, and back; decode(encode(x)) is x, and 0 is grey."""

    def encode(self, images: Images) -> Parameters:
        """Return the parameters of these pictures."""
        ...

    def decode(self, parameters: Parameters) -> Images:
        """Return the pictures of these parameters; values may lie outside [0, 1]."""
        ...


# Each made for pictures of a height and width, a decay of the spectrum, and a device.
PARAMETERISATIONS: dict[str, Callable[[int, int, float, torch.device | None], Parameterisation]] = {
    "cosine": lambda height, width, decay, device: Spectrum(CosineTransform(height, width, device), decay),
    "fourier": lambda height, width, decay, device: Spectrum(FourierTransform(height, width, device), decay),
    "pixels": lambda *_: Pixels(),
}


@runtime_checkable
class Transform(Protocol):
    """An orthonormal change from pixels to frequencies."""

    frequency: Float[Tensor, "..."]  # Cycles per pixel of every coefficient.

    def analyse(self, planes: Planes) -> Float[Tensor, "batch 3 ..."]:
        """Return the coefficients of colour planes."""
        ...

    def synthesise(self, coefficients: Float[Tensor, "batch 3 ..."]) -> Planes:
        """Return the planes of the coefficients."""
        ...


class Pixels:
    """The picture itself, from mid-grey."""

    def encode(self, images: Images) -> Parameters:
        """Return the pictures' distance from mid-grey."""
        return images - GREY

    def decode(self, parameters: Parameters) -> Images:
        """Add mid-grey."""
        return parameters + GREY


class Spectrum:
    """A spectrum divided by frequency ** -decay, in decorrelated colours (Olah et al. 2017).

    Natural pictures have a spectrum near 1 / frequency, so at decay 1 every parameter has about the same
    size, and a gradient step moves coarse structure first, as far as it is large in nature.
    """

    def __init__(self, transform: Transform, decay: float | Float[Tensor, ""]) -> None:
        self._transform = transform
        scale = transform.frequency**-decay
        # Unit parameters give a picture of unit variance along every colour axis.
        self._scale = scale / scale.square().mean().sqrt()
        self._colours, self._colours_inverse = COLOURS.to(scale.device), COLOURS_INVERSE.to(scale.device)

    def encode(self, images: Images) -> Parameters:
        """Return the spectrum of every colour axis, over its natural size."""
        planes = torch.einsum("cd,bdhw->bchw", self._colours_inverse, images - GREY)
        return self._transform.analyse(planes) / self._scale

    def decode(self, parameters: Parameters) -> Images:
        """Transform the spectrum back into colours."""
        planes = self._transform.synthesise(parameters * self._scale)
        return torch.einsum("cd,bdhw->bchw", self._colours, planes) + GREY


class FourierTransform:
    """The real Fourier transform, real and imaginary parts apart; the picture's edges meet."""

    def __init__(self, height: int, width: int, device: torch.device | None = None) -> None:
        self._size = (height, width)
        # The mean has frequency 0; the scale needs more, so it gets that of the slowest wave.
        self.frequency = _fourier_frequency(height, width, device).clamp_min(1 / max(height, width))[
            ..., None
        ]

    def analyse(self, planes: Planes) -> Float[Tensor, "batch 3 height half 2"]:
        """Transform to frequencies."""
        return torch.view_as_real(torch.fft.rfft2(planes, norm="ortho"))

    def synthesise(self, coefficients: Float[Tensor, "batch 3 height half 2"]) -> Planes:
        """Transform back to pixels."""
        return torch.fft.irfft2(torch.view_as_complex(coefficients), s=self._size, norm="ortho")


class CosineTransform:
    """The cosine transform (DCT-II, orthonormal), by matrices: no wave has to join the picture's edges."""

    def __init__(self, height: int, width: int, device: torch.device | None = None) -> None:
        self._vertical = _cosines(height, device)
        self._horizontal = _cosines(width, device)
        rows = torch.arange(height, device=device)[:, None] / (2 * height)
        columns = torch.arange(width, device=device)[None, :] / (2 * width)
        # The mean has frequency 0; the scale needs more, so it gets that of the slowest wave.
        self.frequency = torch.hypot(rows, columns).clamp_min(1 / (2 * max(height, width)))

    def analyse(self, planes: Planes) -> Planes:
        """Transform to frequencies."""
        return self._vertical @ planes @ self._horizontal.T

    def synthesise(self, coefficients: Planes) -> Planes:
        """Transform back to pixels."""
        return self._vertical.T @ coefficients @ self._horizontal


def _fourier_frequency(
    height: int, width: int, device: torch.device | None = None
) -> Float[Tensor, "height half"]:
    """Return the cycles per pixel of every entry of a real 2-D Fourier transform."""
    vertical = torch.fft.fftfreq(height, device=device)[:, None]
    return torch.hypot(vertical, torch.fft.rfftfreq(width, device=device)[None, :])


def _cosines(size: int, device: torch.device | None) -> Float[Tensor, "size size"]:
    """Return the orthonormal DCT-II matrix: one cosine a row."""
    waves = torch.arange(size, dtype=torch.float64)[:, None]
    places = torch.arange(size, dtype=torch.float64)[None, :] + 0.5
    matrix = torch.cos(math.pi / size * waves * places) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix.to(torch.get_default_dtype()).to(device)
