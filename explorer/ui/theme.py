"""The page's look and its scripts: a quiet Gradio theme, style sheets, and what runs in the browser."""

import json
from collections.abc import Sequence
from pathlib import Path

from gradio.themes import Base, LocalFont
from markdown_it import MarkdownIt

from explorer.features.layers import LAYERS
from explorer.report.style import css_variable, layer_style
from explorer.ui.language import read_catalogue

FOLDER = Path(__file__).parent
LESSONS = FOLDER / "lessons"
STYLE_SHEETS = [
    FOLDER / "page.css",
    FOLDER / "stage" / "stage.css",
    FOLDER / "crop_box" / "crop_box.css",
    FOLDER / "compare_slider" / "compare_slider.css",
    FOLDER / "explore_stage" / "explore_stage.css",
    FOLDER / "classroom" / "classroom.css",
]
# In this order: a lesson is unfolded before anything reads the address.
SCRIPTS = [
    FOLDER / "classroom" / "toolbar.js",
    FOLDER / "classroom" / "lesson.js",
    FOLDER / "page.js",
    FOLDER / "components" / "picture_input.js",
    FOLDER / "classroom" / "measure.js",
    FOLDER / "classroom" / "guess.js",
    FOLDER / "classroom" / "tour.js",
    FOLDER / "language" / "translate.js",
]

# Gradio ships these fonts itself, so the page asks no other server for them.
# Other weights come as files with a few letters only.
WEIGHTS = (400, 700)
SANS = LocalFont("IBM Plex Sans", weights=WEIGHTS)
MONO = LocalFont("IBM Plex Mono", weights=WEIGHTS)


# Paper and ink by day, slate by night.
COLOURS = {
    "body_background_fill": ("#fbfaf7", "#121316"),
    "body_text_color": ("#1c1b1a", "#ecebe8"),
    "body_text_color_subdued": ("#65625c", "#a5a29b"),
    "background_fill_primary": ("#ffffff", "#1a1c20"),
    "background_fill_secondary": ("#f4f2ed", "#202329"),
    "border_color_primary": ("#e3dfd6", "#33363d"),
    "button_primary_background_fill": ("#1c1b1a", "#ecebe8"),
    "button_primary_background_fill_hover": ("#3a3835", "#ffffff"),
    "button_primary_text_color": ("#ffffff", "#16171a"),
    "button_secondary_background_fill": ("#ece8df", "#2b2e35"),
    "button_secondary_background_fill_hover": ("#e0dbcf", "#3a3e46"),
    "input_background_fill": ("#ffffff", "#1a1c20"),
    "slider_color": ("#1c1b1a", "#ecebe8"),
    "checkbox_background_color_selected": ("#1c1b1a", "#8a8d95"),
    "checkbox_border_color_selected": ("#1c1b1a", "#8a8d95"),
}
# No boxes where space will do.
SHAPES = {
    "color_accent": "#2f5d8a",
    "block_background_fill": "transparent",
    "block_background_fill_dark": "transparent",
    "block_border_width": "0px",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_label_border_width": "0px",
    "block_shadow": "none",
    "block_title_text_color": "*body_text_color",
    "block_title_text_color_dark": "*body_text_color",
    "block_title_text_weight": "700",
    "button_large_text_weight": "700",
    "input_border_width": "1px",
}


def build_theme() -> Base:
    """Build the theme of the page."""
    theme = Base(
        primary_hue="slate",
        neutral_hue="stone",
        radius_size="sm",
        font=[SANS, "system-ui", "sans-serif"],
        font_mono=[MONO, "ui-monospace", "monospace"],
    )
    light = {name: by_day for name, (by_day, _) in COLOURS.items()}
    dark = {f"{name}_dark": by_night for name, (_, by_night) in COLOURS.items()}
    return theme.set(**SHAPES, **light, **dark)


def layer_variables(layers: Sequence[str] = LAYERS) -> str:
    """Write the layers' colours as CSS variables, such as --layer1 and --features-29."""
    return "".join(f"{css_variable(layer)}: {layer_style(layer, layers).colour};" for layer in layers)


def page_scripts() -> str:
    """Join the scripts that run before the page, live or static, is laid out."""
    catalogue = json.dumps(read_catalogue(), ensure_ascii=False).replace("</", "<\\/")
    parts = [script.read_text(encoding="utf-8") for script in SCRIPTS]
    lessons = json.dumps(_render_lessons(), ensure_ascii=False).replace("</", "<\\/")
    data = [f"window.explorerCatalogue = {catalogue};", f"window.explorerLessons = {lessons};"]
    return "\n".join([*data, *parts])


def _render_lessons() -> list[str]:
    """Write the lesson plans as HTML, the shortest first."""
    renderer = MarkdownIt("commonmark").enable("table")
    return [renderer.render(path.read_text(encoding="utf-8")) for path in sorted(LESSONS.glob("*.md"))]
