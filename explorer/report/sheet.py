"""The contact sheet: pictures side by side, captioned with their scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from explorer.features.layers import LAYERS
from explorer.images import Images, to_pil
from explorer.metrics.scores import METRICS, Scores
from explorer.report.style import layer_style

PANELS_PER_ROW = 5  # The original and four layers.
MARGIN = 16
BAR_HEIGHT = 4
LINE_HEIGHT = 18
FONT_SIZE = 13
PAPER, INK, SOFT_INK = "#FFFFFF", "#1C1B1A", "#65625C"


@dataclass(frozen=True, slots=True)
class SheetPanel:
    """One picture of a sheet, the lines of its caption, and the colour of the bar over it."""

    image: PIL.Image.Image
    lines: Sequence[str]
    colour: str = INK


def original_panel(images: Images, name: str) -> SheetPanel:
    """Make the panel of the picture itself."""
    return SheetPanel(to_pil(images), ("original", name))


def layer_panel(
    images: Images, layer: str, method: str, scores: Scores, layers: Sequence[str] = LAYERS
) -> SheetPanel:
    """Make the panel of a reconstruction, captioned with its scores; `layers` are those of the network."""
    said = [metric.caption(scores[key]) for key, metric in METRICS.items()]
    lines = (f"{layer} · {method}", *_fill_lines(said, images.shape[-1]))
    return SheetPanel(to_pil(images), lines, layer_style(layer, layers).colour)


def contact_sheet(
    panels: Sequence[SheetPanel | None], panels_per_row: int = PANELS_PER_ROW
) -> PIL.Image.Image:
    """Lay the panels out in rows, a gap where one is None; every picture keeps its pixels."""
    rows = [panels[start : start + panels_per_row] for start in range(0, len(panels), panels_per_row)]
    drawn = [panel for panel in panels if panel is not None]
    caption_height = max(len(panel.lines) for panel in drawn) * LINE_HEIGHT
    cell_width = max(panel.image.width for panel in drawn) + MARGIN
    cell_height = max(panel.image.height for panel in drawn) + BAR_HEIGHT + caption_height + MARGIN
    size = (cell_width * max(map(len, rows)) + MARGIN, cell_height * len(rows) + MARGIN)
    sheet = PIL.Image.new("RGB", size, PAPER)
    for row_index, row in enumerate(rows):
        for column, panel in enumerate(row):
            if panel is None:
                continue
            _draw_panel(sheet, panel, MARGIN + column * cell_width, MARGIN + row_index * cell_height)
    return sheet


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


def _fill_lines(texts: Sequence[str], width: int) -> list[str]:
    """Put as many texts into each line as the width takes."""
    font = PIL.ImageFont.load_default(FONT_SIZE)
    lines = [texts[0]]
    for text in texts[1:]:
        longer = f"{lines[-1]} · {text}"
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(text)
    return lines


def _shorten(text: str, font: PIL.ImageFont.ImageFont | PIL.ImageFont.FreeTypeFont, width: int) -> str:
    """Cut a text that is wider than its panel (a file name can be any length)."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
