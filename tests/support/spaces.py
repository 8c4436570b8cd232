"""Photos in other colour spaces than sRGB, computed from the definitions, not by the library under test."""

import struct
from collections.abc import Sequence

import numpy as np
import PIL.Image

from explorer.decoding.profiles import (
    ADOBE_GAMMA,
    ADOBE_PRIMARIES,
    D65,
    SRGB_PRIMARIES,
    _assemble,
    make_profile,
)

P3_PRIMARIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
PROPHOTO_PRIMARIES = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
REC2020_PRIMARIES = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
SPACES = {
    "P3": (P3_PRIMARIES, 2.2),
    "Adobe RGB": (ADOBE_PRIMARIES, ADOBE_GAMMA),
    "ProPhoto": (PROPHOTO_PRIMARIES, 1.8),
    "Rec. 2020": (REC2020_PRIMARIES, 2.4),
    "linear light": (SRGB_PRIMARIES, 1.0),
    "an old Macintosh": (SRGB_PRIMARIES, 1.8),
}
PROFILES = {name: make_profile(primaries, D65, gamma) for name, (primaries, gamma) in SPACES.items()}


def in_space(photo: PIL.Image.Image, name: str) -> PIL.Image.Image:
    """An sRGB photo's pixels as this space writes them."""
    primaries, gamma = SPACES[name]
    light = linear(np.asarray(photo) / 255) @ (np.linalg.inv(_to_xyz(primaries)) @ _to_xyz(SRGB_PRIMARIES)).T
    return PIL.Image.fromarray((light.clip(0, 1) ** (1 / gamma) * 255).round().astype(np.uint8))


def linear(values: np.ndarray) -> np.ndarray:
    """Undo sRGB's curve (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def grey_profile(gamma: float) -> bytes:
    """A profile of grey pixels: the header says so, and there is a curve alone."""
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    curve = b"curv" + bytes(4) + struct.pack(">IHxx", 1, round(gamma * 256))
    return _assemble({b"wtpt": white, b"kTRC": curve}).replace(b"mntrRGB ", b"mntrGRAY")


def ink_profile(cyan: tuple[int, int, int]) -> bytes:
    """A press on which all inks but cyan print black, and cyan this colour (L, a + 128, b + 128 of 255)."""
    ramp = bytes(range(256))
    corners = [(255, 128, 128) if inks == 0 else cyan if inks == 8 else (0, 128, 128) for inks in range(16)]
    identity = struct.pack(">9i", *(65536 * (place % 4 == 0) for place in range(9)))
    table = b"mft1" + bytes(4) + struct.pack("4B", 4, 3, 2, 0) + identity + ramp * 4
    table += b"".join(bytes(corner) for corner in corners) + ramp * 3
    profile = _assemble(
        {b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061), b"A2B0": table}
    )
    return profile.replace(b"mntrRGB XYZ ", b"prtrCMYKLab ")


def _to_xyz(primaries: Sequence[tuple[float, float]]) -> np.ndarray:
    colours = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    x, y = D65
    return colours * np.linalg.solve(colours, [x / y, 1, (1 - x - y) / y])
