"""Colours as the screen shows them: what a file says of its own becomes sRGB, by LittleCMS.

The intent is relative colorimetric with black-point compensation: colours that sRGB has stay as they are,
others become its nearest, white stays white and black becomes black.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import PIL.Image
from PIL import ImageCms

from explorer.decoding.exif import is_adobe_rgb
from explorer.decoding.profiles import ADOBE_GAMMA, ADOBE_PRIMARIES, D65, SRGB_PRIMARIES, make_profile

SRGB = ImageCms.createProfile("sRGB")
# Pillow's mode of the pixels that a profile of this kind is for.
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
GREY_MODES = ("1", "L", "LA", "La", "F")  # And all that begin with I.
# A profile that moves no colour by more levels than this is sRGB's, of which there are many.
SAME_LEVELS = 2
PROBE = np.stack(np.meshgrid(*[np.linspace(0, 255, 9)] * 3), axis=-1).astype(np.uint8).reshape(27, 27, 3)
# Programs that write sRGB also write this gamma, for readers that know no better (PNG, section 11.3.2.2).
SRGB_GAMMA, GAMMA_TOLERANCE, PLACE_TOLERANCE = 2.2, 0.01, 0.002

PASSED_OVER = "Its colour profile is damaged or of another kind of picture; the colours are read as sRGB."


class ProfileError(ValueError):
    """What a file says of its colours cannot be used."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A way to sRGB, from pixels of one mode."""

    mode: str
    transform: ImageCms.ImageCmsTransform

    def apply(self, image: PIL.Image.Image) -> PIL.Image.Image:
        """Convert an image of this conversion's mode to RGB."""
        converted = ImageCms.applyTransform(image, self.transform)
        assert converted is not None
        return converted


def find_conversion(image: PIL.Image.Image) -> Conversion | None:
    """Find the way to sRGB for a loaded image; None where it is sRGB, or says nothing.

    Raises:
        ProfileError: what it says is damaged, or does not fit its pixels.
    """
    try:
        content = image.info.get("icc_profile") or _describe(image)
        conversion = _build(content, image.mode) if content else None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise ProfileError(str(error)) from error
    return None if conversion is None or _changes_nothing(conversion) else conversion


def _build(content: bytes, mode: str) -> Conversion:
    profile = ImageCms.ImageCmsProfile(BytesIO(content))
    kind = profile.profile.xcolor_space.strip()  # pyright: ignore[reportAttributeAccessIssue]
    is_grey = mode in GREY_MODES or mode.startswith("I")
    fits = {"GRAY": is_grey, "CMYK": mode == "CMYK", "RGB": mode != "CMYK"}.get(kind, False)
    if not fits:
        raise ProfileError(f"a profile of {kind} for pixels of {mode}")
    transform = ImageCms.buildTransform(
        profile,
        SRGB,
        MODES[kind],
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return Conversion(MODES[kind], transform)


def _changes_nothing(conversion: Conversion) -> bool:
    if conversion.mode == "CMYK":
        return False
    probe = PIL.Image.fromarray(PROBE).convert(conversion.mode)
    moved = np.asarray(conversion.apply(probe), int) - np.asarray(probe.convert("RGB"), int)
    return bool(np.abs(moved).max() <= SAME_LEVELS)


def _describe(image: PIL.Image.Image) -> bytes | None:
    """Make a profile of what a PNG's chunks, or a camera's tags, say instead of one."""
    if image.mode == "CMYK" or "srgb" in image.info:
        return None
    if "gamma" in image.info or "chromaticity" in image.info:
        return _describe_png(image)
    return make_profile(ADOBE_PRIMARIES, D65, ADOBE_GAMMA) if is_adobe_rgb(image) else None


def _describe_png(image: PIL.Image.Image) -> bytes | None:
    encoded = image.info.get("gamma") or 1 / SRGB_GAMMA
    places = image.info.get("chromaticity") or (*D65, *(value for place in SRGB_PRIMARIES for value in place))
    white, *primaries = zip(places[::2], places[1::2], strict=True)
    known = np.array([D65, *SRGB_PRIMARIES])
    is_srgb = np.allclose([white, *primaries], known, rtol=0, atol=PLACE_TOLERANCE)
    if is_srgb and abs(encoded * SRGB_GAMMA - 1) < GAMMA_TOLERANCE:
        return None
    return make_profile(primaries, white, 1 / encoded)
