"""Invariances: several pictures with the same features at a layer, and where they differ."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch

from explorer.experiments.experiment import Animation, Experiment, Result, Row, Shown, option
from explorer.experiments.measuring import curve_layers, encode, mean_of
from explorer.experiments.operations.mixing import interpolate, spread_map
from explorer.experiments.stepping import bring_back, meanwhile
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.metrics.functional import feature_error, psnr
from explorer.report.charts import Chart, Line

HYBRID = "hybrid"
BRIGHTEST = 0.25  # The spread that is drawn white: half of what black and white pictures would have.


@dataclass(frozen=True, slots=True)
class InvariancesOptions:
    """How many starts, how long each is followed, and how finely the way between two is looked at."""

    seeds: int = option(3, "cold starts, each from its own noise", low=1, high=20, step=1)
    evaluations: int = option(60, "evaluations of the network for each start", low=1, high=1000, step=10)
    points: int = option(9, "points on the way between two reconstructions", low=2, high=60, step=1)


def run(
    lab: Lab, pictures: Sequence[Picture], layers: Sequence[str], options: InvariancesOptions
) -> Generator[Result, None, None]:
    """Yield the reconstructions as they are made, each layer closed by its spread and its morph."""
    shown: list[Shown] = []
    rows: list[Row] = []
    animations: list[Animation] = []
    starts = [*map(str, range(options.seeds)), HYBRID]
    jobs = len(pictures) * len(layers) * len(starts)
    done = 0
    for picture in pictures:
        shown.append(Shown(f"{picture.name}-original", "original", picture.images))
        for layer in layers:
            encode(lab, picture, layer)  # Refuses nodes without maps before anything slow begins.
            made: list[Images] = []
            for start in starts:
                so_far = Result(shown, rows, progress=done / jobs, doing=f"{layer}, start {start} …")
                yield so_far
                search = _search(lab, picture, layer, start, options.evaluations)
                made.append((yield from meanwhile(search, so_far)))
                shown.append(_show(picture, layer, start, made[-1]))
                done += 1
            spread = spread_map(made)
            shown.append(_show_spread(picture, layer, spread))
            morph = _morph(made, options.points)
            animations.append(Animation(f"{picture.name}-{layer}-morph", morph))
            rows += _measure(lab, picture, layer, morph, float(spread.mean()))
    yield Result(shown, rows, _draw(rows, layers), _describe(rows, layers), animations)


def _search(
    lab: Lab, picture: Picture, layer: str, start: str, evaluations: int
) -> Generator[None, None, Images]:
    at = lab.at(layer)
    if start == HYBRID:
        return bring_back(at, picture, HYBRID, at.settings(HYBRID, evaluations=evaluations))
    cold = at.settings("optimiser", evaluations=evaluations, start="noise", seed=int(start))
    return bring_back(at, picture, "optimiser", cold)


def _show(picture: Picture, layer: str, start: str, images: Images) -> Shown:
    db = float(psnr(images, picture.images.to(images)))
    label = "from the decoder" if start == HYBRID else f"from noise {start}"
    return Shown(f"{picture.name}-{layer}-{start}", f"{layer} · {label} · {db:.1f} dB", images, layer)


def _show_spread(picture: Picture, layer: str, spread: torch.Tensor) -> Shown:
    images = (spread / BRIGHTEST).clamp(0, 1).expand(-1, 3, -1, -1)
    caption = f"{layer} · spread, mean {float(spread.mean()):.3f} (white: {BRIGHTEST:g})"
    return Shown(f"{picture.name}-{layer}-spread", caption, images, layer)


def _morph(made: Sequence[Images], points: int) -> list[Images]:
    """Go straight from the first cold reconstruction to the hybrid one."""
    return [interpolate(made[0], made[-1], share) for share in torch.linspace(0, 1, points).tolist()]


@torch.no_grad()
def _measure(lab: Lab, picture: Picture, layer: str, morph: Sequence[Images], spread: float) -> list[Row]:
    """Make a row for each point of the morph: its own feature error, and the layer's mean spread."""
    reached = lab.trunk(layer)(torch.cat(list(morph)))[layer]
    target = encode(lab, picture, layer).expand_as(reached)
    shares = torch.linspace(0, 1, len(morph)).tolist()
    errors = feature_error(reached, target).tolist()
    return [
        {"image": picture.name, "layer": layer, "mean_spread": spread, "share": share, "feature_error": error}
        for share, error in zip(shares, errors, strict=True)
    ]


def _draw(rows: Sequence[Row], layers: Sequence[str]) -> list[Chart]:
    errors = curve_layers(rows, layers, "share", "feature_error")
    spreads = [mean_of(rows, "mean_spread", layer=layer) for layer in layers]
    spread = Line("spread", list(range(len(layers))), spreads)
    way = "from noise (0) to the decoder's start (1)"
    return [
        Chart("Spread between reconstructions", "", "mean over pixels", [spread], ticks=layers),
        Chart("Feature error along a morph", way, "feature error", errors),
    ]


def _describe(rows: Sequence[Row], layers: Sequence[str]) -> list[str]:
    sentences = []
    for layer in layers:
        spread = mean_of(rows, "mean_spread", layer=layer)
        own = [row for row in rows if row["layer"] == layer]
        ends = [float(row["feature_error"] or 0) for row in own if row["share"] in (0.0, 1.0)]
        highest = max(float(row["feature_error"] or 0) for row in own)
        sentences.append(
            f"{layer}: the pictures differ by {spread:.3f} on average; along the morph the feature error is "
            f"{max(ends):.3f} at the worse end and {highest:.3f} at most."
        )
    return sentences


INVARIANCES = Experiment(
    name="invariances",
    title="Invariances",
    explanation=(
        "The same features are inverted from several starts; where the pictures that come out differ, the "
        "layer does not care. The morph goes straight from one to another: as long as the feature error "
        "stays low on the way, the layer takes all of these pictures for the same."
    ),
    options=InvariancesOptions,
    question="What does the network not notice?",
    run=run,
)
