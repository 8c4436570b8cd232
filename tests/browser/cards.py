"""Draw the pictures of Explore's cards from real results: python -m tests.browser.cards."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from matplotlib.figure import Figure

from explorer.commands.inputs import load_lab
from explorer.examples import load_example
from explorer.experiments import run_experiment
from explorer.experiments.experiment import Result
from explorer.images import to_pil
from explorer.report.chart import CELLS, encode_figure
from explorer.report.charts import Chart, Grid
from explorer.report.style import layer_style
from explorer.ui.tabs.cards import CARDS

SIDE, WEBP_QUALITY = 112, 70
CHART = ""
# By experiment: examples, layers, options, and the end of the name of the picture that tells most.
DRAWN: dict[str, tuple[Sequence[str], Sequence[str], dict[str, Any], str]] = {
    "surgery": (("cat",), ("layer3",), {"edit": "region"}, "layer3-region"),
    "invariances": (("coffee",), ("layer4",), {"evaluations": 60, "seeds": 2}, "spread"),
    "blend": (("cat", "coffee"), ("layer2",), {}, "layer2-blend-0.50"),
    "depth": (("motorcycle",), (), {}, CHART),
    "matrix": (("motorcycle",), (), {}, CHART),
    "backbones": (("astronaut",), (), {"networks": "untrained"}, "untrained-layer4"),
    "leak": (("astronaut",), ("layer3",), {"attacks": "decoder"}, "decoder"),
    "matrix_edit": (("motorcycle",), ("layer2",), {}, "swap"),
}


def main() -> None:
    """Draw every card."""
    lab = load_lab(None)
    for name, (examples, layers, options, ending) in DRAWN.items():
        pictures = [load_example(example) for example in examples]
        result = run_experiment(name, lab, pictures, layers, **options)
        image = _draw(result, lab.layers) if ending == CHART else _find(result, ending)
        image.resize((SIDE, SIDE), PIL.Image.Resampling.LANCZOS).save(
            CARDS / f"{name}.webp", quality=WEBP_QUALITY, method=6
        )


def _find(result: Result, ending: str) -> PIL.Image.Image:
    (found,) = (one for one in result.pictures if one.name.endswith(ending))
    return to_pil(found.images)


def _draw(result: Result, layers: Sequence[str]) -> PIL.Image.Image:
    """Draw the first chart's curves or cells alone, without words."""
    chart = result.charts[0]

    def draw() -> Figure:
        figure = Figure(figsize=(1, 1), dpi=2 * SIDE)
        axes = figure.add_axes((0.06, 0.06, 0.88, 0.88) if isinstance(chart, Chart) else (0, 0, 1, 1))
        axes.set_axis_off()
        if isinstance(chart, Grid):
            cells = np.array(chart.values, float)
            axes.imshow(cells, cmap=CELLS, vmin=chart.low, vmax=chart.high, aspect="auto")
            return figure
        for line in chart.lines:
            colour = layer_style(line.layer, layers).colour if line.layer else "#0072B2"
            axes.plot(line.x, np.array(line.y, float), color=colour, linewidth=2)
        return figure

    return PIL.Image.open(BytesIO(encode_figure(draw, "png", chart.title)))


if __name__ == "__main__":
    main()
