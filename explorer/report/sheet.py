"""Pictures of pictures: the contact sheet with its captions, and the animated GIF of a run."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from explorer.images import Images, to_pil
from explorer.lab.race import Frame, Panel
from explorer.metrics.functional import Scores
from explorer.report.plots import layer_style

PANELS_PER_ROW = 5  # The original and four layers.
MARGIN = 16
BAR_HEIGHT = 4
LINE_HEIGHT = 18
CAPTION_LINES = 3
FONT_SIZE = 13
PAPER, INK, SOFT_INK = "#FFFFFF", "#1C1B1A", "#65625C"
MILLISECONDS_PER_FRAME = 120
LAST_FRAME_MILLISECONDS = 2000
MAX_FRAMES = 60  # About 7 seconds of play and a few megabytes.
MISSING = "–"


@dataclass(frozen=True, slots=True)
class SheetPanel:
    """One picture of a sheet, the colour of the bar over it, and at most three lines of caption."""

    image: PIL.Image.Image
    lines: Sequence[str]
    colour: str = INK


def original_panel(images: Images, name: str) -> SheetPanel:
    """Make the panel of the picture itself."""
    return SheetPanel(to_pil(images), ("original", name))


def layer_panel(images: Images, layer: str, method: str, scores: Scores) -> SheetPanel:
    """Make the panel of a reconstruction, captioned with its scores."""
    lines = (
        f"{layer} · {method}",
        f"PSNR {_show(scores.psnr_db, '.1f')} dB   SSIM {_show(scores.ssim, '.2f')}",
        f"LPIPS {_show(scores.lpips, '.2f')}   feature error {_show(scores.feature_error, '.2g')}",
    )
    return SheetPanel(to_pil(images), lines, layer_style(layer).colour)


def contact_sheet(
    panels: Sequence[SheetPanel | None], panels_per_row: int = PANELS_PER_ROW
) -> PIL.Image.Image:
    """Lay the panels out in rows, a gap where one is None; every picture keeps its pixels."""
    rows = [panels[start : start + panels_per_row] for start in range(0, len(panels), panels_per_row)]
    images = [panel.image for panel in panels if panel is not None]
    cell_width = max(image.width for image in images) + MARGIN
    cell_height = max(image.height for image in images) + BAR_HEIGHT + CAPTION_LINES * LINE_HEIGHT + MARGIN
    size = (cell_width * max(map(len, rows)) + MARGIN, cell_height * len(rows) + MARGIN)
    sheet = PIL.Image.new("RGB", size, PAPER)
    for row_index, row in enumerate(rows):
        for column, panel in enumerate(row):
            if panel is None:
                continue
            _draw_panel(sheet, panel, MARGIN + column * cell_width, MARGIN + row_index * cell_height)
    return sheet


def race_gif(original: Images, frames: Iterable[Frame]) -> bytes:
    """Animate a race as it was shown, thinned to MAX_FRAMES; raises ValueError when there is no frame."""
    moments: list[dict[str, tuple[Panel, bytes]]] = []
    for frame in frames:
        shown = dict(moments[-1]) if moments else {}
        for layer, panel in frame.panels.items():
            # A panel without a picture still shows the one of the frame before.
            shown[layer] = (panel, panel.jpeg or shown[layer][1])
        moments.append(shown)
    if not moments:
        raise ValueError("A GIF needs at least one frame.")
    stride = math.ceil(len(moments) / MAX_FRAMES)
    first = original_panel(original, "")
    kept = moments[::-1][::stride][::-1]  # Counted from the end, so that the last one stays.
    return encode_gif([contact_sheet([first, *_race_panels(moment)]) for moment in kept])


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


def _race_panels(moment: Mapping[str, tuple[Panel, bytes]]) -> Iterator[SheetPanel]:
    for layer, (panel, jpeg) in moment.items():
        lines = (layer, f"step {panel.step}", f"PSNR {panel.psnr_db:.1f} dB")
        yield SheetPanel(PIL.Image.open(BytesIO(jpeg)), lines, layer_style(layer).colour)


def _draw_panel(sheet: PIL.Image.Image, panel: SheetPanel, left: int, top: int) -> None:
    draw = PIL.ImageDraw.Draw(sheet)
    font = PIL.ImageFont.load_default(FONT_SIZE)
    draw.rectangle((left, top, left + panel.image.width - 1, top + BAR_HEIGHT - 1), fill=panel.colour)
    sheet.paste(panel.image, (left, top + BAR_HEIGHT))
    baseline = top + BAR_HEIGHT + panel.image.height + 4
    for index, line in enumerate(panel.lines):
        text = _shorten(line, font, panel.image.width)
        draw.text(
            (left, baseline + index * LINE_HEIGHT), text, fill=INK if index == 0 else SOFT_INK, font=font
        )


def _shorten(text: str, font: PIL.ImageFont.ImageFont | PIL.ImageFont.FreeTypeFont, width: int) -> str:
    """Cut a text that is wider than its panel (a file name can be any length)."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _show(value: float | None, spec: str) -> str:
    return MISSING if value is None else format(value, spec)
