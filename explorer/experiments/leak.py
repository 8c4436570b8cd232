"""The leak drill: how much must be taken from features until the picture is safe, and what is lost by it?"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from explorer.decoders.linear import LinearDecoder, example_batches
from explorer.decoders.regression import walk_linear_map
from explorer.experiments.experiment import Experiment, Knob, Offer, Result, Row, Shown, option
from explorer.experiments.leak_findings import DECODER, OPTIMISER, REFITTED, describe, draw
from explorer.experiments.measuring import compare_opinions, encode, measure
from explorer.experiments.operations.edits import Maps
from explorer.experiments.operations.protections import PROTECTIONS
from explorer.experiments.stepping import meanwhile
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.metrics.functional import feature_error, psnr

EVALUATIONS = 8  # Of the optimiser’s attack: enough to see where it leads, at four layers within seconds.
REFITTED_BATCHES = 4  # Of the example pictures’ crops, 24 in all.
DOING = "Attacking …"
PROOF = (
    "What these attacks read is not safe; what they do not read, a better attack may.",
    "An attacker may train on protected features: the refitted decoder is the least of those.",
)


@dataclass(frozen=True, slots=True)
class LeakOptions:
    """What protects the features, and how much of it is shown first."""

    protection: str = option(
        "noise", "what is done to the features before they are sent", choices=tuple(PROTECTIONS)
    )
    amount: float | None = option(
        None, "how much; each protection has its own unit and default", low=0, high=16
    )
    attacks: str = option(
        "all",
        "who attacks: the decoder alone, or also an optimiser and a refitted decoder",
        choices=("all", DECODER),
    )
    seed: int = option(0, "seed of noise, dropping and rotation", low=0, high=2**31)


def run(
    lab: Lab, pictures: Sequence[Picture], layers: Sequence[str], options: LeakOptions
) -> Generator[Result, None, None]:
    """Yield what the decoder reads of protected features, every layer's curve, then the other attacks."""
    chosen = PROTECTIONS[options.protection]
    amount = chosen.default if options.amount is None else min(options.amount, max(chosen.curve))
    unit, shown, rows = chosen.amount, list[Shown](), list[Row]()
    for picture in pictures:
        shown.append(Shown(f"{picture.name}-original", "original", picture.images))
        for layer in layers:
            images = _decode(lab, layer, _protect(encode(lab, picture, layer), amount, options))
            shown.append(_show(picture, layer, DECODER, images))
    yield Result(shown, progress=0.0, doing=DOING)
    steps = [(picture, layer) for picture in pictures for layer in layers]
    for done, (picture, layer) in enumerate(steps, start=1):
        so_far = Result(shown, rows, draw(rows, layers, unit), progress=0.5 * done / len(steps), doing=DOING)
        rows += yield from meanwhile(_measure_curve(lab, picture, layer, options), so_far)
        yield so_far
    for done, (picture, layer) in enumerate(steps if options.attacks == "all" else (), start=1):
        progress = 0.5 + 0.5 * (done - 1) / len(steps)
        so_far = Result(list(shown), rows, draw(rows, layers, unit), progress=progress, doing=DOING)
        maps = _protect(encode(lab, picture, layer), amount, options)
        for name, attack in ((OPTIMISER, _search), (REFITTED, _refit)):
            images = yield from meanwhile(attack(lab, picture, layer, maps, amount, options), so_far)
            shown.append(_show(picture, layer, name, images))
            rows += _measure(lab, picture, layer, name, [amount], [maps], [images], options)
            yield so_far
    yield Result(shown, rows, draw(rows, layers, unit), [*describe(rows, layers), *PROOF])


def _protect(maps: Maps, amount: float, options: LeakOptions) -> Maps:
    generator = torch.Generator().manual_seed(options.seed)
    return PROTECTIONS[options.protection].apply(maps, amount, generator)


def _decode(lab: Lab, layer: str, maps: Maps) -> Images:
    at = lab.at(layer)
    return at.decode({layer: maps}, at.best_decoder)


def _search(
    lab: Lab,
    picture: Picture,
    layer: str,
    maps: Maps,
    amount: float,  # noqa: ARG001 - as the other attack
    options: LeakOptions,
) -> Generator[None, None, Images]:
    """Search a picture that has the protected features."""
    at, images = lab.at(layer), picture.images
    settings = at.settings(OPTIMISER, evaluations=EVALUATIONS, seed=options.seed)
    for step in at.invert({layer: maps}, OPTIMISER, settings, size=picture.size):
        images = step.images
        yield
    return images


def _refit(
    lab: Lab,
    picture: Picture,  # noqa: ARG001 - as the other attack
    layer: str,
    maps: Maps,
    amount: float,
    options: LeakOptions,
) -> Generator[None, None, Images]:
    """Read with a linear decoder that was fitted on protected features, noise of its own in each."""
    generator = torch.Generator().manual_seed(options.seed + 1)

    def pairs() -> Iterator[tuple[Tensor, Images]]:
        for images in islice(example_batches(), REFITTED_BATCHES):
            placed = images.to(lab.device)
            with torch.no_grad():
                found = lab.trunk(layer)(placed)[layer]
            # A rotation, and what is dropped, stays the same: the attacker sees many of its results.
            stays = options.protection in ("rotation", "channels")
            source = torch.Generator().manual_seed(options.seed) if stays else generator
            yield PROTECTIONS[options.protection].apply(found, amount, source), placed

    fitted = yield from walk_linear_map(pairs())
    with torch.no_grad():
        return LinearDecoder(layer, fitted).to(lab.device)({layer: maps})


def _show(picture: Picture, layer: str, attack: str, images: Images) -> Shown:
    db = float(psnr(images, picture.images.to(images)))
    return Shown(f"{picture.name}-{layer}-{attack}", f"{layer} · {attack} · {db:.1f} dB", images, layer)


def _measure_curve(
    lab: Lab, picture: Picture, layer: str, options: LeakOptions
) -> Generator[None, None, list[Row]]:
    curve, target = PROTECTIONS[options.protection].curve, encode(lab, picture, layer)
    maps, made = list[Maps](), list[Images]()
    for amount in curve:
        maps.append(_protect(target, amount, options))
        made.append(_decode(lab, layer, maps[-1]))
        yield
    return _measure(lab, picture, layer, DECODER, curve, maps, made, options)


def _measure(
    lab: Lab,
    picture: Picture,
    layer: str,
    attack: str,
    amounts: Sequence[float],
    maps: Sequence[Maps],
    made: Sequence[Images],
    options: LeakOptions,
) -> list[Row]:
    target, protected = encode(lab, picture, layer), torch.cat(list(maps))
    errors = feature_error(protected, target.expand_as(protected)).tolist()
    answers = compare_opinions(lab, protected, target, layer)
    scores = measure(lab, picture, layer, torch.cat(list(made)))
    return [
        {
            "image": picture.name,
            "layer": layer,
            "attack": attack,
            "protection": options.protection,
            "amount": amount,
            "edit_error": error,
            "top5_continued": answer,
            **score,
        }
        for amount, error, answer, score in zip(amounts, errors, answers, scores, strict=True)
    ]


def _adapt(values: Mapping[str, object], channels: int) -> dict[str, Offer]:  # noqa: ARG001 - as every experiment
    chosen = PROTECTIONS[str(values["protection"])]
    low, high = min(chosen.curve), max(chosen.curve)
    step = 1 if low >= 1 else 0.01  # Bits are counted.
    return {"amount": Offer(Knob(chosen.amount, (), low, high, step), chosen.default)}


LEAK = Experiment(
    name="leak",
    title="The leak drill",
    question="What do sent features give away?",
    explanation=(
        "Features are sent in place of a picture, and something is taken from them first, so that nobody can "
        "read it. What the attacks still read stands beside what the network’s own answer loses by it."
    ),
    options=LeakOptions,
    run=run,
    adapt=_adapt,
)
