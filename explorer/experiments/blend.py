"""Blend: mix the features of two pictures at one layer and bring back what lies in between."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch

from explorer.experiments.experiment import Animation, Experiment, Result, Row, Shown, option
from explorer.experiments.measuring import encode
from explorer.experiments.operations.edits import Maps
from explorer.experiments.operations.mixing import interpolate, transfer_statistics
from explorer.experiments.stepping import meanwhile
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.report.charts import Chart, Line

FEATURES, STATISTICS = "features", "statistics"
MIXTURES = {FEATURES: interpolate, STATISTICS: transfer_statistics}
DOING = "Going from one picture to the other …"
PICTURES_SHOWN = 5  # Of one layer, so that they fill one row of the figure.


@dataclass(frozen=True, slots=True)
class BlendOptions:
    """What is mixed, and in how many shares."""

    mix: str = option(
        FEATURES,
        "features mixes them linearly; statistics keeps the first picture's positions and takes the second's "
        "mean and spread of each channel",
        choices=tuple(MIXTURES),
    )
    share: float = option(0.5, "share of the second picture in the one shown first", low=0, high=1, step=0.05)
    frames: int = option(9, "how many shares from 0 to 1 are animated and measured", low=2, high=60, step=1)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two pictures' features at a layer, and the class that the network sees first in each."""

    layer: str
    first: Maps
    second: Maps
    first_class: int
    second_class: int

    def mix(self, share: float, mixture: str) -> Maps:
        return MIXTURES[mixture](self.first, self.second, share)


def run(
    lab: Lab, pictures: Sequence[Picture], layers: Sequence[str], options: BlendOptions
) -> Generator[Result, None, None]:
    """Yield the wanted share at each layer, then every layer's way from one picture to the other."""
    pairs = [_pair(lab, pictures, layer) for layer in layers]
    first = [Shown(f"original-{place}", one.name, one.images) for place, one in enumerate(pictures, start=1)]
    first += [_show(pair, options.share, _bring_back(lab, pair, options.share, options)) for pair in pairs]
    latest = Result(first, progress=0.0, doing=DOING)
    yield latest
    shares = torch.linspace(0, 1, options.frames).tolist()
    shown: list[Shown] = []
    rows: list[Row] = []
    animations: list[Animation] = []
    for done, pair in enumerate(pairs, start=1):
        frames, measured = yield from meanwhile(_go(lab, pair, shares, options), latest)
        animations.append(Animation(f"{pair.layer}-blend", frames))
        chosen = torch.linspace(0, len(frames) - 1, min(PICTURES_SHOWN, len(frames))).round().int().tolist()
        on_the_way = [_show(pair, shares[place], frames[place]) for place in chosen]
        shown += [one for one in on_the_way if one.name not in {known.name for known in first}]
        rows += measured
        latest = Result(
            [*first, *shown],
            rows,
            _draw(lab, rows, pairs[:done]),
            _describe(lab, rows, pairs[:done]),
            animations=animations,
            progress=done / len(pairs),
            doing=DOING if done < len(pairs) else "",
        )
        yield latest


def _go(
    lab: Lab, pair: _Pair, shares: Sequence[float], options: BlendOptions
) -> Generator[None, None, tuple[list[Images], list[Row]]]:
    """Go from one picture to the other; returns the pictures on the way, and what was measured of each."""
    frames: list[Images] = []
    rows: list[Row] = []
    for share in shares:
        frames.append(_bring_back(lab, pair, share, options))
        rows.append(_measure(lab, pair, share, frames[-1], options))
        yield
    return frames, rows


def _pair(lab: Lab, pictures: Sequence[Picture], layer: str) -> _Pair:
    first, second = (encode(lab, picture, layer) for picture in pictures)
    classes = [int(lab.at(layer).continue_from({layer: maps}).argmax()) for maps in (first, second)]
    return _Pair(layer, first, second, classes[0], classes[1])


def _bring_back(lab: Lab, pair: _Pair, share: float, options: BlendOptions) -> Images:
    at = lab.at(pair.layer)
    return at.decode({pair.layer: pair.mix(share, options.mix)}, at.best_decoder)


def _show(pair: _Pair, share: float, images: Images) -> Shown:
    name = f"{pair.layer}-blend-{share:.2f}"
    return Shown(name, f"{pair.layer} · {share:.0%} of the second", images, pair.layer)


def _measure(lab: Lab, pair: _Pair, share: float, images: Images, options: BlendOptions) -> Row:
    """Ask what the network makes of the mixed features themselves, and of the picture they give."""
    mixed = pair.mix(share, options.mix)
    continued = lab.at(pair.layer).continue_from({pair.layer: mixed}).softmax(dim=1)[0]
    seen = lab.scorer.predictions(images)[0]
    return {
        "layer": pair.layer,
        "mix": options.mix,
        "share": share,
        "network_sees": lab.backbone.categories[int(continued.argmax())],
        "probability_first": float(continued[pair.first_class]),
        "probability_second": float(continued[pair.second_class]),
        "network_sees_in_picture": seen.label,
        "probability_in_picture": seen.probability,
    }


def _draw(lab: Lab, rows: Sequence[Row], pairs: Sequence[_Pair]) -> list[Chart]:
    """Draw the probability of the first picture's class and of the second's over the share."""
    names = _classes(lab, pairs[-1])
    columns = {"probability_first": names[0], "probability_second": names[1]}
    charts = []
    for column, name in columns.items():
        lines = []
        for pair in pairs:
            own = [row for row in rows if row["layer"] == pair.layer]
            x, y = ([float(row[key] or 0) for row in own] for key in ("share", column))
            lines.append(Line(pair.layer, x, y, pair.layer))
        charts.append(
            Chart(f"“{name}”", "share of the second picture", "probability, network continued", lines)
        )
    return charts


def _describe(lab: Lab, rows: Sequence[Row], pairs: Sequence[_Pair]) -> list[str]:
    """Say where the network changes its mind at each layer, and through how many other classes it passes."""
    sentences = []
    for pair in pairs:
        own = [row for row in rows if row["layer"] == pair.layer]
        first, second = _classes(lab, pair)
        others = {str(row["network_sees"]) for row in own} - {first, second}
        turn = next((row["share"] for row in own if row["network_sees"] != first), None)
        leaves = "never leaves" if turn is None else f"leaves at a share of {turn:.2f}"
        passing = f", passing through {', '.join(sorted(others))}" if others else ""
        sentences.append(f"{pair.layer}: the network {leaves} “{first}” on the way to “{second}”{passing}.")
    return sentences


def _classes(lab: Lab, pair: _Pair) -> tuple[str, str]:
    return lab.backbone.categories[pair.first_class], lab.backbone.categories[pair.second_class]


BLEND = Experiment(
    name="blend",
    title="Blend",
    explanation=(
        "The features of two pictures are mixed at one layer, and a decoder shows what lies between them. "
        "Shallow layers fade one picture into the other as pixels would; deep ones mix what is seen in them, "
        "and the network, going on from the mixture, tells when it takes it for the second."
    ),
    options=BlendOptions,
    question="What lies between two pictures?",
    run=run,
    pictures=2,
)
