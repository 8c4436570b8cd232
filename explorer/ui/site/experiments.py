"""What the static page shows of the experiments that take seconds a picture: their charts, in few bytes."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from explorer.experiments import run_experiment
from explorer.experiments.experiment import Result
from explorer.images import Picture, prepare, to_pil
from explorer.lab.lab import Lab
from explorer.ui.explore_stage import show_result

# Surgery's curves take minutes, and what invariances and blends show is motion.
SHOWN = ("depth", "matrix")
# So many pictures stand in a row; more than that are shown, and kept, smaller.
ROW, SMALL_SIDE = 5, 160
LONG_FRACTION = re.compile(r"(\d+\.\d\d)\d+")
METADATA = re.compile(r"<metadata>.*?</metadata>|<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->", re.DOTALL)
FONTS = re.compile(r"font-family: [^;\"]*")  # A long list of names, in quotes.
# What a data URI need not escape inside a JSON text; a quote would be escaped twice.
PLAIN = " <>=:;,/()'{}|!*+-._@~"


def explore(lab: Lab, picture: Picture) -> dict[str, dict[str, Any]]:
    """Run the experiments on one picture, and return each as the Explore tab's stage shows it."""
    shown = {}
    for name in SHOWN:
        result = _shrink(run_experiment(name, lab, [picture]))
        value = json.loads(show_result(result, lab.layers))
        charts = [{**chart, "src": slim_chart(chart["src"])} for chart in value["charts"]]
        shown[name] = {**value, "charts": charts}
    return shown


def slim_chart(uri: str) -> str:
    """Write an SVG's data URI as text, without what nobody sees, and with hundredths of a point."""
    text = METADATA.sub("", b64decode(uri.partition(",")[2]).decode("utf-8"))
    text = FONTS.sub("font-family: sans-serif", LONG_FRACTION.sub(r"\1", text))
    text = re.sub(r"\s+", " ", text).replace("> <", "><").replace('"', "'")
    return f"data:image/svg+xml,{quote(text.strip(), safe=PLAIN)}"


def _shrink(result: Result) -> Result:
    if len(result.pictures) <= ROW:
        return result
    pictures = [replace(one, images=prepare(to_pil(one.images), SMALL_SIDE)) for one in result.pictures]
    return replace(result, pictures=pictures)
