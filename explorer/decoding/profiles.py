"""Colour profiles (ICC) of displays, built from what a file says of its colours without enclosing a profile.

Version 2 of the ICC's specification, 1998-09: a matrix and one curve.
"""

import struct
from collections.abc import Sequence

import numpy as np

Chromaticity = tuple[float, float]

D65: Chromaticity = (0.3127, 0.3290)
D50_XYZ = np.array([0.9642, 1.0, 0.8249])  # The white of the space that profiles lead to.
SRGB_PRIMARIES: Sequence[Chromaticity] = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE_PRIMARIES: Sequence[Chromaticity] = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_GAMMA = 563 / 256
# Of an eye's cones, by which another white is adapted to (Lam 1985).
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
HEADER_BYTES, ENTRY_BYTES = 128, 12


def make_profile(primaries: Sequence[Chromaticity], white: Chromaticity, gamma: float) -> bytes:
    """Make the profile of red, green and blue with these chromaticities, whose light is value ** gamma.

    Raises:
        ValueError: there is no such display, as where the primaries lie on one line.
    """
    try:
        matrix = _to_d50(primaries, white)
        curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    except (np.linalg.LinAlgError, ZeroDivisionError, OverflowError, struct.error) as error:
        raise ValueError(f"No display has primaries {primaries}, white {white}, gamma {gamma}.") from error
    tags = {b"wtpt": _point(D50_XYZ)}
    for letter, column in zip((b"r", b"g", b"b"), matrix.T, strict=True):
        tags |= {letter + b"XYZ": _point(column), letter + b"TRC": curve}
    return _assemble({name: value + bytes(-len(value) % 4) for name, value in tags.items()})


def _to_d50(primaries: Sequence[Chromaticity], white: Chromaticity) -> np.ndarray:
    colours = np.stack([_xyz(*primary) for primary in primaries], axis=1)
    source = _xyz(*white)
    scaled = colours * np.linalg.solve(colours, source)
    cones = (BRADFORD @ D50_XYZ) / (BRADFORD @ source)
    matrix = np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD @ scaled
    if not np.isfinite(matrix).all():
        raise ZeroDivisionError
    return matrix


def _xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _point(xyz: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in xyz))


def _assemble(tags: dict[bytes, bytes]) -> bytes:
    place = HEADER_BYTES + 4 + ENTRY_BYTES * len(tags)
    table, values = struct.pack(">I", len(tags)), b"".join(tags.values())
    for name, value in tags.items():
        table += name + struct.pack(">II", place, len(value))
        place += len(value)
    header = (
        struct.pack(">I4xI4s4s4s", place, 0x02400000, b"mntr", b"RGB ", b"XYZ ").ljust(36, b"\x00") + b"acsp"
    )
    white = struct.pack(">3i", *(round(value * 65536) for value in D50_XYZ))
    return (header.ljust(68, b"\x00") + white).ljust(HEADER_BYTES, b"\x00") + table + values
