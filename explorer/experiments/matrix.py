"""The matrix: what is brought back from one layer, looked at from every other, and by another network."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.examples import EXAMPLES, load_example
from explorer.experiments.experiment import Experiment, Result, Row, Shown, Value, option
from explorer.experiments.measuring import encode, mean_of
from explorer.experiments.stepping import bring_back, meanwhile
from explorer.features.layers import join_nodes
from explorer.images import Images, Picture, quantise
from explorer.lab.lab import Lab
from explorer.lab.scorer import CATEGORIES, RECOGNISER
from explorer.metrics.functional import TOP, feature_cosine, feature_error, psnr, top5_agreement
from explorer.metrics.recognition import NAME, is_recognised
from explorer.report.charts import Grid

BEST = "best"
DOING = "Comparing …"


@dataclass(frozen=True, slots=True)
class MatrixOptions:
    """What brings the pictures back."""

    method: str = option(
        BEST,
        "what brings the pictures back; hybrid and optimiser take about a minute",
        choices=(BEST, "refined", "consistent", "linear", "hybrid", "optimiser"),
    )


def run(
    lab: Lab, pictures: Sequence[Picture], layers: Sequence[str], options: MatrixOptions
) -> Generator[Result, None, None]:
    """Yield the pictures brought back, then how every layer and two networks see them."""
    shown: list[Shown] = []
    made: list[list[Images]] = []
    steps = len(pictures) * len(layers) + len(pictures)
    for picture in pictures:
        shown.append(Shown(f"{picture.name}-original", "original", picture.images))
        made.append([])
        for layer in layers:
            encode(lab, picture, layer)
            at = lab.at(layer)
            method = at.best_decoder if options.method == BEST else options.method
            so_far = Result(shown, progress=len(shown) / (steps + len(pictures)), doing=DOING)
            images = quantise((yield from meanwhile(bring_back(at, picture, method), so_far)))
            made[-1].append(images)
            db = float(psnr(images, picture.images.to(images)))
            shown.append(Shown(f"{picture.name}-{layer}", f"{layer} · {db:.1f} dB", images, layer))
            yield Result(shown, progress=len(shown) / (steps + len(pictures)), doing=DOING)
    rows: list[Row] = []
    for picture, images in zip(pictures, made, strict=True):
        rows += _measure(lab, picture, layers, torch.cat(images))
        if picture is not pictures[-1]:
            yield Result(shown, progress=len(shown) / (steps + len(pictures)), doing=DOING)
    yield Result(shown, rows, _draw(rows, layers), describe_recognition(rows, layers))


@torch.no_grad()
def _measure(lab: Lab, picture: Picture, layers: Sequence[str], made: Images) -> list[Row]:
    """Make a row for each pair of layers: the reconstruction from one, seen at the other."""
    original = quantise(picture.images.to(made))
    other = quantise(_another(picture).images.to(made))
    # One pass to the end serves all layers and the network's opinion.
    looked = lab.trunk(join_nodes((*layers, lab.network.output)))(torch.cat([made, original, other]))
    reached = {layer: looked[layer][:-2] for layer in layers}
    target, another = ({layer: looked[layer][[row]] for layer in layers} for row in (-2, -1))
    opinions = _compare_opinions(
        lab, looked[lab.network.output][:-1], RECOGNISER(torch.cat([made, original]))
    )
    return [
        {
            "image": picture.name,
            "from": source,
            "at": layer,
            "feature_error": float(feature_error(reached[layer][[row]], target[layer])),
            "feature_cosine": float(feature_cosine(reached[layer][[row]], target[layer])),
            "random_pair_error": float(feature_error(another[layer], target[layer])),
            "random_pair_cosine": float(feature_cosine(another[layer], target[layer])),
            **opinions[row],
        }
        for row, source in enumerate(layers)
        for layer in layers
    ]


def _another(picture: Picture) -> Picture:
    """Choose another photo, whose features are as wrong as those of any photo: the end of the scale."""
    size = picture.images.shape[-1]
    examples = (load_example(name, size=size) for name in EXAMPLES)
    return next(one for one in examples if not torch.equal(one.images, picture.images))


def _compare_opinions(
    lab: Lab, logits: Float[Tensor, "pictures classes"], independent: Float[Tensor, "pictures categories"]
) -> list[dict[str, Value]]:
    """Compare what the network itself and an independent one see in pictures, the last the original."""
    own, own_original = logits[:-1], logits[-1:]
    other, other_original = independent[:-1], independent[-1:]
    shared = top5_agreement(own, own_original.expand_as(own)).tolist()
    own_knows = is_recognised(own, own_original, TOP).tolist()
    other_knows = is_recognised(other, other_original, TOP).tolist()
    names = lab.backbone.categories
    has_answer = bool(names)  # Weights may come without a classifier.
    return [
        {
            "network_sees": names[int(own[row].argmax())] if has_answer else None,
            "network_sees_in_original": names[int(own_original.argmax())] if has_answer else None,
            "top5_agreement": shared[row] if has_answer else None,
            "network_recognises": int(own_knows[row]) if has_answer else None,
            "independent_sees": CATEGORIES[int(other[row].argmax())],
            "independent_recognises": int(other_knows[row]),
        }
        for row in range(len(own))
    ]


def _draw(rows: Sequence[Row], layers: Sequence[str]) -> list[Grid]:
    """Draw error and cosine, each scaled so that another photo's features are the far end."""
    errors = [[_mean(rows, "feature_error", source, layer) for layer in layers] for source in layers]
    cosines = [[_mean(rows, "feature_cosine", source, layer) for layer in layers] for source in layers]
    pair = [mean_of(rows, "random_pair_error", at=layer) or 1.0 for layer in layers]
    pair_cosine = [mean_of(rows, "random_pair_cosine", at=layer) for layer in layers]
    relative = [[(error or 0) / end for error, end in zip(row, pair, strict=True)] for row in errors]
    labels = ("brought back from", "seen at")
    return [
        Grid("Feature error", *labels, [*layers, "another photo"], layers, [*errors, pair], 0.0, max(pair)),
        Grid("Error as a share of another photo's", *labels, layers, layers, relative),
        Grid("Cosine", *labels, [*layers, "another photo"], layers, [*cosines, pair_cosine]),
    ]


def _mean(rows: Sequence[Row], column: str, source: str, layer: str) -> float | None:
    return mean_of(rows, column, **{"from": source, "at": layer})


def describe_recognition(rows: Sequence[Row], layers: Sequence[str]) -> list[str]:
    """Say from where another network recognises a photo, and where it and the network itself disagree."""
    diagonal = {layer: [row for row in rows if row["from"] == row["at"] == layer] for layer in layers}
    if all(len(own) == 1 for own in diagonal.values()):
        return _describe_one({layer: row for layer, (row,) in diagonal.items()})
    sentences = []
    for layer, own in diagonal.items():
        fooled = [row for row in own if row["network_recognises"] and not row["independent_recognises"]]
        known = sum(int(row["independent_recognises"] or 0) for row in own)
        sentences.append(
            f"{layer}: {NAME} still recognises {known} of {len(own)}"
            + (f"; {len(fooled)} only its own network: such a picture fools it." if fooled else ".")
        )
    return sentences


def _describe_one(rows: Mapping[str, Row]) -> list[str]:
    """Say it of one photo, by the row of each layer."""
    kept = [layer for layer, row in rows.items() if row["independent_recognises"]]
    lost = [layer for layer in rows if layer not in kept]
    fooled = " and ".join(layer for layer in lost if rows[layer]["network_recognises"])
    known, unknown = " and ".join(kept), " and ".join(lost)
    if kept and lost:
        first = f"{NAME} still recognises the picture from {known}, not from {unknown}."
    elif kept:
        first = f"{NAME} still recognises the picture from {known}."
    else:
        first = f"{NAME} no longer recognises the picture from {unknown}."
    last = f"Only its own network still recognises the picture from {fooled}: it fools its own network."
    return [first, last] if fooled else [first]


MATRIX = Experiment(
    name="matrix",
    title="The matrix",
    explanation=(
        "A picture brought back from one layer goes through the network again and is compared at every "
        "layer; rows are where it came from, columns where it is seen, and another photo is the end of each "
        "scale. Where only the network that was inverted still recognises it, the picture fools that network."
    ),
    options=MatrixOptions,
    question="Do the other layers see it, too?",
    run=run,
)
