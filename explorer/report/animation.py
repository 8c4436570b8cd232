"""The animated GIF of a race."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TypeVar

import PIL.Image

from explorer.features.layers import LAYERS
from explorer.images import Images
from explorer.lab.race import Frame, Panel
from explorer.report.sheet import SheetPanel, contact_sheet, original_panel
from explorer.report.style import layer_style

MILLISECONDS_PER_FRAME = 120
LAST_FRAME_MILLISECONDS = 2000
MAX_FRAMES = 60  # About 7 seconds of play and a few megabytes.

Moment = TypeVar("Moment")


def race_gif(original: Images | None, frames: Iterable[Frame], layers: Sequence[str] = LAYERS) -> bytes:
    """Animate a race as it was shown, thinned to MAX_FRAMES; raises ValueError when there is no frame.

    `layers` are those that the network offers, whose colours differ.
    """
    moments = list(frames)
    if not moments:
        raise ValueError("A GIF needs at least one frame.")
    first = [] if original is None else [original_panel(original, "")]
    sheets = [[*first, *_race_panels(moment.panels, layers)] for moment in thin(moments, MAX_FRAMES)]
    return encode_gif([contact_sheet(panels) for panels in sheets])


def thin(frames: Sequence[Moment], count: int) -> list[Moment]:
    """Keep so many frames at most, evenly spaced, the last one always among them."""
    stride = max(1, math.ceil(len(frames) / count))
    return list(frames[::-1][::stride][::-1])


def encode_gif(frames: Sequence[PIL.Image.Image]) -> bytes:
    """Encode frames of equal size as a GIF that plays for ever and rests on the last frame."""
    # One palette made from the last, most colourful frame keeps colours from flickering between frames.
    images = [frame.convert("RGB") for frame in frames]
    palette = images[-1].quantize(256)
    paletted = [image.quantize(palette=palette) for image in images]
    durations = [MILLISECONDS_PER_FRAME] * (len(paletted) - 1) + [LAST_FRAME_MILLISECONDS]
    buffer = BytesIO()
    paletted[0].save(
        buffer, "GIF", save_all=True, append_images=paletted[1:], duration=durations, loop=0, optimize=False
    )
    return buffer.getvalue()


def _race_panels(panels: Mapping[str, Panel], layers: Sequence[str]) -> Iterator[SheetPanel]:
    for layer, panel in panels.items():
        psnr_db = panel.record.psnr_db
        reached = "no original" if math.isnan(psnr_db) else f"PSNR {psnr_db:.1f} dB"
        lines = (layer, f"step {panel.record.step}", reached)
        yield SheetPanel(PIL.Image.fromarray(panel.pixels), lines, layer_style(layer, layers).colour)
