"""The forgetting curve: what is linearly readable after every residual block."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from explorer.experiments.experiment import Experiment, ExperimentError, Result, Row, Shown
from explorer.experiments.linear_maps import LinearMaps
from explorer.experiments.measuring import mean_of
from explorer.features.nodes import list_blocks
from explorer.images import Images, Picture, quantise
from explorer.lab.lab import Lab
from explorer.metrics.functional import psnr
from explorer.metrics.scores import METRICS, measure
from explorer.report.charts import Chart, Line


@dataclass(frozen=True, slots=True)
class DepthOptions:
    """Nothing to choose: `--layers` names other nodes than the residual blocks."""


def run(
    lab: Lab,
    pictures: Sequence[Picture],
    layers: Sequence[str],
    options: DepthOptions,  # noqa: ARG001 - as every experiment
) -> Generator[Result, None, None]:
    """Yield every block's picture, then the curves over depth."""
    nodes = list(layers or list_blocks(lab.backbone.network) or lab.layers)
    if not nodes:
        raise ExperimentError("This network has neither residual blocks nor maps: name nodes with --layers.")
    maps = LinearMaps(lab, nodes)
    originals = [Shown(f"{one.name}-original", "original", one.images) for one in pictures]
    if not maps.is_fitted:
        for progress in maps.fit():
            yield Result(originals, progress=0.9 * progress, doing="Fitting the linear decoders …")
    decoders = [maps.decoder(node) for node in nodes]
    made: list[Images] = []
    shown: list[Shown] = []
    for picture, original in zip(pictures, originals, strict=True):
        with torch.no_grad():
            features = maps.trunk(picture.images.to(lab.device))
            made.append(torch.cat([decoder(features) for decoder in decoders]))
        shown += [original, *_show(picture, nodes, made[-1])]
        yield Result(shown, progress=0.9, doing="Measuring …")
    rows = list[Row]()
    for done, (picture, images) in enumerate(zip(pictures, made, strict=True), start=1):
        rows += _measure(picture, nodes, images)
        if done < len(pictures):
            yield Result(shown, rows, progress=0.9 + 0.1 * done / len(pictures), doing="Measuring …")
    yield Result(shown, rows, _draw(rows, nodes), _describe(rows, nodes))


def _show(picture: Picture, nodes: Sequence[str], images: Images) -> list[Shown]:
    values = psnr(images, picture.images.to(images).expand_as(images)).tolist()
    return [
        Shown(f"{picture.name}-{node}", f"{node} · {db:.1f} dB", image[None], node)
        for node, db, image in zip(nodes, values, images, strict=True)
    ]


def _measure(picture: Picture, nodes: Sequence[str], images: Images) -> list[Row]:
    """Make a row for each node with every metric of two pictures."""
    images = quantise(images)
    original = quantise(picture.images.to(images)).expand_as(images)
    scores = measure({"pictures": [(images, original)]})
    return [
        {"image": picture.name, "layer": node, "block": place, **score.finite().values}
        for place, (node, score) in enumerate(zip(nodes, scores, strict=True), start=1)
    ]


def _draw(rows: Sequence[Row], nodes: Sequence[str]) -> list[Chart]:
    """Draw each metric of two pictures over depth, with a mark where a stage begins."""
    stages = [_stage(node) for node in nodes]
    begins = [place for place, stage in enumerate(stages) if place == 0 or stages[place - 1] != stage]
    marks = [(place - 0.5, stages[place]) for place in begins]
    charts = []
    for key, metric in METRICS.items():
        if metric.kind != "pictures":
            continue
        values = [mean_of(rows, key, layer=node) for node in nodes]
        title = f"{metric.heading}, {metric.better} is better"
        line = Line(metric.name, list(range(len(nodes))), values)
        charts.append(Chart(title, "", metric.heading, [line], ticks=nodes, marks=marks))
    return charts


def _describe(rows: Sequence[Row], nodes: Sequence[str]) -> list[str]:
    """Say how far the picture falls, and where most."""
    values = [mean_of(rows, "psnr_db", layer=node) or 0.0 for node in nodes]
    if len(values) < 2:
        return []
    drops = [before - after for before, after in pairwise(values)]
    place = max(range(len(drops)), key=drops.__getitem__)
    share = drops[place] / (values[0] - values[-1]) if values[0] > values[-1] else 0.0
    sentence = (
        f"From {nodes[0]} to {nodes[-1]} PSNR goes from {values[0]:.1f} to {values[-1]:.1f} dB; the largest "
        f"step, {drops[place]:.1f} dB or {share:.0%} of it all, is from {nodes[place]} to {nodes[place + 1]}."
    )
    steps = [
        drop
        for drop, (node, following) in zip(drops, pairwise(nodes), strict=True)
        if _stage(node) != _stage(following)
    ]
    if not steps or values[0] <= values[-1]:
        return [sentence]
    fall = sum(steps) / (values[0] - values[-1])
    return [sentence, f"The {len(steps)} steps into another stage make up {fall:.0%} of the whole fall."]


def _stage(node: str) -> str:
    return node.split(".")[0]


DEPTH = Experiment(
    name="depth",
    title="The forgetting curve",
    explanation=(
        "After every residual block a linear decoder reads what it can of the picture, each cell for the "
        "patch below it. The curve shows whether the network forgets the picture little by little, or at the "
        "boundaries of its stages, where the resolution is halved."
    ),
    options=DepthOptions,
    question="Where does the network forget?",
    run=run,
    layers=(),
)
