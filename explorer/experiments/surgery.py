"""Feature surgery: edit a layer's features, then bring the picture back from what is left of them."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

from explorer.experiments.experiment import (
    Experiment,
    Knob,
    Offer,
    Result,
    Row,
    Shown,
    default_of,
    knobs,
    option,
)
from explorer.experiments.measuring import compare_opinions, curve_layers, encode, mean_of, measure
from explorer.experiments.operations.components import are_fitted, load_components
from explorer.experiments.operations.edit_table import EDITS, Context, amounts_of_curve, parse_channels
from explorer.experiments.operations.edits import Centre, EditError, Maps
from explorer.experiments.stepping import meanwhile
from explorer.features.trunk import Features
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.metrics.functional import feature_error, psnr
from explorer.report.charts import Chart

BEST, HYBRID = "best", "hybrid"
METHODS = (BEST, "linear", HYBRID)
MAX_CHANNELS = 2**16  # More than any layer has; the edit and the layer set the bound that counts.
ZERO, MEAN = "zero", "mean"
DOING = "Measuring …"
# The edits to which an option means anything; the page hides it for any other.
EDITS_THAT_TAKE = {
    "channels": ("drop",),
    "region": ("region",),
    "fill": ("channels", "drop", "region"),
    "seed": ("shuffle", "noise"),
}
CURVES = {
    "psnr_db": "PSNR (dB), higher is better",
    "lpips": "LPIPS, lower is better",
    "top5_continued": "top-5 of the network, continued",
}


@dataclass(frozen=True, slots=True)
class SurgeryOptions:
    """Which edit, how much of it, and what brings the picture back."""

    edit: str = option("channels", "what is done to the features", choices=tuple(EDITS))
    amount: float | None = option(
        None, "how much; each edit has its own unit, bounds and default", low=0, high=MAX_CHANNELS
    )
    channels: str = option("0-63", "channels that the edit `drop` takes away, as in 0-63,128")
    region: str = option(
        "0.25,0.25,0.75,0.75", "what the edit `region` keeps: left,top,right,bottom or a cell row,column"
    )
    fill: str = option(ZERO, "what takes the place of what is removed", choices=(ZERO, MEAN))
    method: str = option(BEST, "what brings the picture back", choices=METHODS)
    seed: int = option(0, "seed of shuffling and noise", low=0, high=2**31)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One picture brought back from edited features of one layer."""

    picture: Picture
    layer: str
    amount: float
    target: Maps
    edited: Maps
    images: Images


def run(
    lab: Lab, pictures: Sequence[Picture], layers: Sequence[str], options: SurgeryOptions
) -> Generator[Result, None, None]:
    """Yield the edited pictures, then their scores, then every layer's curve over amounts as it grows."""
    edit = EDITS[options.edit]
    originals = [Shown(f"{one.name}-original", "original", one.images) for one in pictures]
    if options.edit == "components" or options.fill == MEAN:
        for layer in layers:
            if not are_fitted(lab.trunk(layer)):
                yield Result(originals, progress=0.0, doing=f"Fitting the principal components of {layer} …")
                load_components(lab.trunk(layer))
    trials: list[_Trial] = []
    for picture, layer in product(pictures, layers):
        work = _try(lab, picture, layer, options.amount, options, options.method)
        trials.append((yield from meanwhile(work, Result(originals, progress=0.0, doing=DOING))))
    shown = [_show(trial, options) for trial in trials]
    for index, original in enumerate(originals):
        shown.insert(index * (len(layers) + 1), original)
    yield Result(shown, progress=0.0, doing=DOING)
    rows = list[Row]()
    for trial in trials:
        rows += _measure(lab, [trial], options)
        yield Result(shown, progress=0.0, doing=DOING)
    curve: list[Row] = []
    for done, layer in enumerate(layers if edit.curve else ()):
        charts, doing = _draw(curve, layers[:done], options), f"Measuring the curve of {layer} …"
        so_far = Result(shown, rows, charts, progress=done / len(layers), doing=doing)
        yield so_far
        for picture in pictures:
            curve += yield from meanwhile(_measure_curve(lab, picture, layer, options), so_far)
    yield Result(shown, rows + curve, _draw(curve, layers, options), _describe(rows))


def _try(
    lab: Lab, picture: Picture, layer: str, given: float | None, options: SurgeryOptions, method: str
) -> Generator[None, None, _Trial]:
    target = encode(lab, picture, layer)
    amount = EDITS[options.edit].take_amount(given, target.shape[1])
    context = Context(
        components=lambda: load_components(lab.trunk(layer)),
        centre=lambda: _centre(lab, layer, target, options),
        channels=options.channels,
        region=options.region,
        seed=options.seed,
    )
    edited = EDITS[options.edit].apply(target, amount, context)
    images = yield from _bring_back(lab, {layer: edited}, layer, method, picture)
    return _Trial(picture, layer, amount, target, edited, images)


def _bring_back(
    lab: Lab, features: Features, layer: str, method: str, picture: Picture
) -> Generator[None, None, Images]:
    at = lab.at(layer)
    if method != HYBRID:
        return at.decode(features, at.best_decoder if method == BEST else method)
    height, width = picture.images.shape[2:]
    images = picture.images
    for step in at.invert(features, HYBRID, at.settings(HYBRID), size=(height, width)):
        images = step.images
        yield
    return images


def _centre(lab: Lab, layer: str, target: Maps, options: SurgeryOptions) -> Centre:
    if options.fill == MEAN:
        return load_components(lab.trunk(layer)).mean.to(target)
    return torch.zeros(target.shape[1]).to(target)


def _show(trial: _Trial, options: SurgeryOptions) -> Shown:
    edit = EDITS[options.edit]
    db = float(psnr(trial.images, trial.picture.images.to(trial.images)))
    amount = f"{trial.amount:g} {edit.amount}" if edit.amount else edit.label
    name = f"{trial.picture.name}-{trial.layer}-{options.edit}"
    return Shown(name, f"{trial.layer} · {amount} · {db:.1f} dB", trial.images, trial.layer)


def _measure(lab: Lab, trials: Sequence[_Trial], options: SurgeryOptions) -> list[Row]:
    """Make the rows of trials of one picture and one layer."""
    picture, layer, target = trials[0].picture, trials[0].layer, trials[0].target
    edited = torch.cat([trial.edited for trial in trials])
    errors = feature_error(edited, target.expand_as(edited)).tolist()
    opinions = compare_opinions(lab, edited, target, layer)
    scores = measure(lab, picture, layer, torch.cat([trial.images for trial in trials]))
    return [
        {
            "image": picture.name,
            "layer": layer,
            "edit": options.edit,
            "amount": trial.amount if EDITS[options.edit].amount else None,
            "edit_error": error,
            "top5_continued": opinion,
            **score,
        }
        for trial, error, opinion, score in zip(trials, errors, opinions, scores, strict=True)
    ]


def _measure_curve(
    lab: Lab, picture: Picture, layer: str, options: SurgeryOptions
) -> Generator[None, None, list[Row]]:
    """Measure one picture at every amount of the curve; a decoder stands in for the slow optimiser."""
    method = BEST if options.method == HYBRID else options.method
    channels = encode(lab, picture, layer).shape[1]
    amounts = amounts_of_curve(EDITS[options.edit], channels)
    trials: list[_Trial] = []
    for amount in amounts:
        trials.append((yield from _try(lab, picture, layer, amount, options, method)))
        yield
    return _measure(lab, trials, options)


def _draw(curve: Sequence[Row], layers: Sequence[str], options: SurgeryOptions) -> list[Chart]:
    edit = EDITS[options.edit]
    if not curve:
        return []
    return [
        Chart(title, edit.amount, title, curve_layers(curve, layers, "amount", metric), edit.is_count)
        for metric, title in CURVES.items()
    ]


def _describe(rows: Sequence[Row]) -> list[str]:
    layers = dict.fromkeys(str(row["layer"]) for row in rows)
    parts = []
    for layer in layers:
        db, opinion = mean_of(rows, "psnr_db", layer=layer), mean_of(rows, "top5_continued", layer=layer)
        answer = "" if opinion is None else f", top-5 {opinion:.2f}"
        parts.append(layer if db is None else f"{layer} {db:.1f} dB{answer}")
    return ["After this edit: " + "; ".join(parts) + "."]


def _adapt(values: Mapping[str, Any], channels: int) -> dict[str, Offer]:
    """Offer the amounts of the chosen edit, and channels to drop that every chosen layer has."""
    edit = EDITS[values["edit"]]
    high = edit.high(channels)
    knob = Knob(edit.amount, (), edit.low, high, edit.step) if edit.amount else None
    offers = {"amount": Offer(knob, edit.take_amount(None, channels))}
    for name, edits in EDITS_THAT_TAKE.items():
        offered = knobs(SurgeryOptions)[name] if values["edit"] in edits else None
        offers[name] = Offer(offered, default_of(SurgeryOptions, name), stays=True)
    try:
        parse_channels(str(values.get("channels", "")), channels)
    except EditError:
        few = f"0-{max(1, channels // 2) - 1}"
        offers["channels"] = Offer(offers["channels"].knob, few)
    return offers


SURGERY = Experiment(
    name="surgery",
    title="Feature surgery",
    explanation=(
        "Between extracting a layer's features and bringing the picture back, some of them are taken away or "
        "disturbed. What the picture loses shows what the layer kept it in: how many channels, how many "
        "directions, how many bits, and how much in the places where they stand."
    ),
    options=SurgeryOptions,
    run=run,
    adapt=_adapt,
    question="How much of a layer can be taken away?",
)
