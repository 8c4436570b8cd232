"""Builds the static page: one HTML file with scripts, styles and fonts, and one script for each picture."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio

from explorer.experiments import EXPERIMENTS
from explorer.images import Picture, encode_jpeg, prepare, to_pil
from explorer.lab.methods import METHODS, OnePass
from explorer.metrics.thumbnail import TOLERANCE_DB
from explorer.ui.compare_slider.component import slider_script, slider_template
from explorer.ui.explore_stage.component import explore_script, explore_template
from explorer.ui.page import TITLE, write_header, write_weights
from explorer.ui.session.app_state import AppState
from explorer.ui.site.content import make_content, write_content
from explorer.ui.site.experiments import SHOWN
from explorer.ui.stage.captions import (
    FAINT_LOOK,
    LIKENESS_DB,
    LOOKS,
    LOW_PSNR_DB,
    NEARLY_EQUAL_ERROR,
    NO_LOOK,
    WORST_LOOK,
)
from explorer.ui.stage.component import stage_script, stage_template
from explorer.ui.stage.encoding import data_uri
from explorer.ui.stage.second_looks import FULL_QUANTILE, PLACES
from explorer.ui.tabs.instant import list_decoders
from explorer.ui.theme import COLOURS, SHAPES, STYLE_SHEETS, layer_variables, page_scripts

INDEX = "index.html"
BUNDLE = "browser"
NOT_ASKED = ""
LICENCE = "Own photos run on the compact weights, CC BY-NC 4.0: not for commercial use."
FOLDER = Path(__file__).parent
FONTS = Path(gradio.__file__).parent / "templates" / "frontend" / "static" / "fonts" / "IBMPlexSans"
WEIGHTS = {400: "IBMPlexSans-Regular.woff2", 700: "IBMPlexSans-Bold.woff2"}
THUMBNAIL_SIZE = 112
STAGES = {"instant": "What a decoder brings back at once", "live": "A recorded run of the optimiser"}
TABS = {"instant": "Instant", "live": "Live", "compare": "Compare", "explore": "Explore"}
CHOICES = {"instant": ("decoder", "Decoder"), "explore": ("experiment", "Experiment")}


def write_site(
    state: AppState,
    pictures: Mapping[str, tuple[Picture, str | None]],
    folder: Path,
    own: Mapping[str, Any] | str = NOT_ASKED,
) -> Iterator[str]:
    """Write the page for pictures by name, each with the example that it is; yield every name when done.

    ``own`` tells what the folder BUNDLE beside the page offers for a visitor's own pictures, or why there is
    none.

    Raises ExplorerError when the models cannot be had.
    """
    (folder / "data").mkdir(parents=True)
    listed = []
    for number, (name, (picture, example)) in enumerate(pictures.items(), 1):
        file = f"data/picture{number}.js"
        content = write_content(make_content(state, name, picture, example))
        (folder / file).write_text(content, encoding="utf-8")
        thumbnail = data_uri(encode_jpeg(prepare(to_pil(picture.images), THUMBNAIL_SIZE)))
        listed.append({"name": name, "file": file, "thumbnail": thumbnail})
        yield name
    (folder / INDEX).write_text(_write_page(state, listed, own), encoding="utf-8")


def _write_page(state: AppState, listed: list[dict[str, str]], own: Mapping[str, Any] | str) -> str:
    network, weights = state.network, state.lab.backbone.name
    lines = [f"{network.title} {weights}, as computed beforehand: this page needs no server."]
    lines += [own] if isinstance(own, str) else [LICENCE]
    parts = {
        "title": escape(TITLE),
        "style": _write_style(network.layers),
        "scripts": page_scripts(),
        "header": write_header(network),
        "weights": write_weights("recorded", [line for line in lines if line]),
        "own": "" if isinstance(own, str) else _read("own.html"),
        "script": _write_own(own),
        "tabs": "".join(_write_tab(name, label) for name, label in TABS.items()),
        "panels": "".join(_write_panel(name) for name in TABS),
        "components": _write_components(listed, network.layers),
        "site": _read("site.js"),
    }
    text = _read("site.html")
    return re.sub(r"^ *@(\w+)$|@(\w+)", lambda found: parts[found[1] or found[2]], text, flags=re.MULTILINE)


def _write_own(own: Mapping[str, Any] | str) -> str:
    """Write what shows a visitor's own pictures, and what it says of them, as on the live page."""
    captions = {
        "looks": LOOKS,
        "noLook": NO_LOOK,
        "faintLook": FAINT_LOOK,
        "worstLook": WORST_LOOK,
        "toleranceDb": TOLERANCE_DB,
        "likenessDb": LIKENESS_DB,
        "nearlyEqual": NEARLY_EQUAL_ERROR,
        "lowDb": LOW_PSNR_DB,
    }
    decoders = {name: one for name, one in METHODS.items() if isinstance(one, OnePass)}
    labels = {one.variant: one.label for one in decoders.values()}
    offered = {} if isinstance(own, str) else {name for names in own["decoders"].values() for name in names}
    methods = {variant: label for variant, label in labels.items() if variant in offered}
    told = {
        "folder": BUNDLE,
        "methods": methods,
        "captions": captions,
        "labels": labels,
        "places": {decoders[name].variant: place for name, place in PLACES.items()},
        "fullQuantile": FULL_QUANTILE,
    }
    bundle = None if isinstance(own, str) else {**own, **told}
    return f"window.explorerBundle = {_write_json(bundle)};\n{_read('own_looks.js')}{_read('own.js')}"


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _write_tab(name: str, label: str) -> str:
    return (
        f'<button type="button" role="tab" id="tab-{name}" data-tab-id="{name}" '
        f'aria-controls="panel-{name}">{label}</button>'
    )


def _write_panel(name: str) -> str:
    key, label = CHOICES.get(name, ("", ""))
    choice = f'<fieldset id="{key}" class="choice" aria-label="{label}"></fieldset>' if key else ""
    explanation = '<p id="explore-explanation"></p>' if name == "explore" else ""
    controls = _read("own-live.html") if name == "live" else ""
    others = {"compare": slider_template, "explore": explore_template}
    body = stage_template(name, STAGES[name]) if name in STAGES else others[name]()
    return (
        f'<div role="tabpanel" id="panel-{name}" aria-labelledby="tab-{name}" hidden>'
        f'{choice}{explanation}{controls}<div id="{name}">{body}</div></div>'
    )


def _write_components(listed: list[dict[str, str]], layers: Sequence[str]) -> str:
    """Write what Gradio would run: each component's script as a function of what Gradio gives it."""
    scripts = {name: stage_script(layers) for name in STAGES}
    scripts |= {"compare": slider_script(), "explore": explore_script()}
    functions = [
        f"{name}(element, props, watch, trigger) {{\n{script}\n}}" for name, script in scripts.items()
    ]
    decoders = {method: label for label, method in list_decoders()}
    experiments = {
        name: {
            "title": EXPERIMENTS[name].question or EXPERIMENTS[name].title,
            "explanation": EXPERIMENTS[name].explanation,
        }
        for name in SHOWN
    }
    data = {
        "explorerPictures": listed,
        "explorerDecoders": decoders,
        "explorerExperiments": experiments,
    }
    lines = [f"window.{name} = {_write_json(value)};" for name, value in data.items()]
    return "\n".join([*lines, f"window.explorerComponents = {{\n{','.join(functions)}\n}};"])


def _write_json(value: object) -> str:
    # In a page's script, `</script` or `<!--` would end what the browser takes for the script.
    return json.dumps(value, ensure_ascii=False).replace("<", r"\u003c")


def _write_style(layers: Sequence[str]) -> str:
    """Write the theme's colours by day and by night, the fonts, and the live page's style sheets."""
    day, night = (_write_variables(index) for index in (0, 1))
    sheets = [path.read_text(encoding="utf-8") for path in [*STYLE_SHEETS, FOLDER / "site.css"]]
    colours = f":root {{ color-scheme: light dark; {layer_variables(layers)} {day} }}"
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {night} }} }}"
    return "\n".join([*_write_fonts(), colours, dark, *sheets])


def _write_variables(index: int) -> str:
    named = {name: values[index] for name, values in COLOURS.items()}
    named["color_accent"] = (SHAPES["color_accent"], "#8dbbe8")[index]
    return "".join(f"--{name.replace('_', '-')}: {value};" for name, value in named.items())


def _write_fonts() -> Iterator[str]:
    for weight, file in WEIGHTS.items():
        content = b64encode((FONTS / file).read_bytes()).decode("ascii")
        yield (
            f'@font-face {{ font-family: "IBM Plex Sans"; font-weight: {weight}; '
            f'src: url("data:font/woff2;base64,{content}") format("woff2"); }}'
        )
