"""One matrix, one edit: what an edit of the picture does to features, as one linear map of channels.

The map is fitted in closed form, from features of photos to those of the same photos edited: it ships for
ResNet-50's own weights, and is fitted on crops of the example pictures for others. What it cannot say, the
layer does not hold linearly.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from explorer.cache import find, keep
from explorer.decoders.linear import RECIPE as CROPS_RECIPE
from explorer.decoders.linear import example_batches
from explorer.decoders.regression import NormalEquations
from explorer.experiments.edit_maps import RIDGE, ChannelMap, find_map
from explorer.experiments.experiment import Experiment, Result, Row, Shown, option
from explorer.experiments.measuring import encode, mean_of, measure
from explorer.experiments.operations.edits import Maps
from explorer.features.trunk import Trunk
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.metrics.functional import feature_error, psnr
from explorer.report.charts import Chart, Line

BATCHES = 8  # Of six crops each.
RECIPE = hashlib.sha256(repr((CROPS_RECIPE, RIDGE, BATCHES)).encode()).hexdigest()[:8]
WAYS = {"psnr_db": "one matrix", "ceiling_db": "the edited photo’s own features", "unedited_db": "no matrix"}

EDITS: Mapping[str, tuple[str, Callable[[Images], Images]]] = {
    "swap": ("red and blue swapped", lambda images: images.flip(1)),
    "negative": ("negative", lambda images: 1 - images),
    "brighter": ("brighter", lambda images: images.sqrt()),
    "mirror": ("mirrored", lambda images: images.flip(3)),
    "identity": ("nothing", lambda images: images),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LinearEditOptions:
    """Which edit the matrix learns."""

    edit: str = option(
        "swap", "what is done to the photos that the matrix is fitted on", choices=tuple(EDITS)
    )


def run(
    lab: Lab, pictures: Sequence[Picture], layers: Sequence[str], options: LinearEditOptions
) -> Generator[Result, None, None]:
    """Yield the photo and its edit, then layer by layer what the matrix makes of it."""
    label, edit = EDITS[options.edit]
    shown, rows = list[Shown](), list[Row]()
    for picture in pictures:
        shown.append(Shown(f"{picture.name}-original", "original", picture.images))
        shown.append(Shown(f"{picture.name}-edited", label, edit(picture.images)))
    steps = [(layer, picture) for layer in layers for picture in pictures]
    for done, (layer, picture) in enumerate(steps):
        doing = f"Fitting the matrix of {layer} …"
        so_far = Result(list(shown), list(rows), progress=done / len(steps), doing=doing)
        yield so_far
        fitted = yield from _follow(load_map(lab.trunk(layer), options.edit), so_far, len(steps))
        made, row = _try(lab, picture, layer, fitted, options)
        caption = f"{layer} · {row['psnr_db']:.1f} dB of {row['ceiling_db']:.1f} dB"
        shown.append(Shown(f"{picture.name}-{layer}-{options.edit}", caption, made, layer))
        rows.append(row)
    yield Result(shown, rows, _draw(rows, layers), _describe(rows, layers))


def _follow(
    loading: Generator[float, None, ChannelMap], so_far: Result, steps: int
) -> Generator[Result, None, ChannelMap]:
    """Show how far a fit is, which is one of so many steps, and return what it finds."""
    while True:
        try:
            share = next(loading)
        except StopIteration as end:
            return end.value
        yield replace(so_far, progress=so_far.progress + share / steps)


def load_map(trunk: Trunk, edit: str) -> Generator[float, None, ChannelMap]:
    """Find the matrix of an edit that ships, or that the disk cache has, or fit and keep it.

    Yields the share of the fit that is done, from 0 to 1.
    """
    found = find_map(trunk.nodes[0], edit, trunk.fingerprint)
    key = f"edit-{edit}-{trunk.fingerprint}-{RECIPE}"
    found = found or find(key, ChannelMap)
    if found is None:
        found = yield from fit_map(_pairs(trunk, EDITS[edit][1]), BATCHES)
        keep(key, {"matrix": found.matrix, "bias": found.bias})
    return found


def fit_map(pairs: Iterable[tuple[Maps, Maps]], count: int) -> Generator[float, None, ChannelMap]:
    """Regress what an edit changes in features on them, in so many batches, by the normal equations.

    Yields the share that is done, from 0 to 1.
    """
    sums: NormalEquations | None = None
    for done, (features, edited) in enumerate(pairs, start=1):
        with torch.no_grad():
            sums = sums or NormalEquations(features, edited, kernel=1)
            sums.add(features, edited - features)
        yield done / (count + 1)
    assert sums is not None  # There are example pictures.
    solution = sums.solve(RIDGE).float()
    change = solution[:-1].T / sums.std
    matrix = change + torch.eye(len(change), device=change.device)
    return ChannelMap(matrix.contiguous(), (solution[-1] - change @ sums.mean).contiguous())


def _pairs(trunk: Trunk, edit: Callable[[Images], Images]) -> Iterator[tuple[Maps, Maps]]:
    for number, images in enumerate(example_batches()):
        if number < BATCHES:
            placed = images.to(trunk.mean.device)
            with torch.no_grad():
                maps = [trunk(one)[trunk.nodes[0]] for one in (placed, edit(placed))]
            yield maps[0], maps[1]


def _try(
    lab: Lab, picture: Picture, layer: str, fitted: ChannelMap, options: LinearEditOptions
) -> tuple[Images, Row]:
    """Decode the mapped features, and compare with the edited photo, and with what its own features give."""
    at, edit = lab.at(layer), EDITS[options.edit][1]
    wanted = Picture(picture.name, edit(picture.images))
    maps, own = encode(lab, picture, layer), at.encode(wanted)[layer]
    made, ceiling, unedited = (at.decode({layer: one}, at.best_decoder) for one in (fitted(maps), own, maps))
    ends = [float(psnr(images, wanted.images.to(images))) for images in (ceiling, unedited)]
    (scores,) = measure(lab, wanted, layer, made)
    row = {
        "image": picture.name,
        "layer": layer,
        "edit": options.edit,
        "edit_error": float(feature_error(fitted(maps), own)),
        "ceiling_db": ends[0],
        "unedited_db": ends[1],
        **scores,
    }
    return made, row


def _draw(rows: Sequence[Row], layers: Sequence[str]) -> list[Chart]:
    lines = [
        Line(label, list(range(len(layers))), [mean_of(rows, key, layer=layer) for layer in layers])
        for key, label in WAYS.items()
    ]
    title = "PSNR to the edited photo (dB)"
    return [Chart(title, "", title, lines, ticks=list(layers))]


def _describe(rows: Sequence[Row], layers: Sequence[str]) -> list[str]:
    sentences = []
    for layer in layers:
        reached, ceiling, before = (mean_of(rows, key, layer=layer) for key in WAYS)
        if reached is not None and ceiling is not None and before is not None:
            sentences.append(
                f"{layer}: one matrix gives {reached:.1f} of {ceiling:.1f} dB; without it {before:.1f} dB."
            )
    return sentences


LINEAR_EDIT = Experiment(
    name="matrix_edit",
    title="One matrix, one edit",
    question="Is an edit of the picture one matrix?",
    explanation=(
        "One matrix, fitted on features of photos before and after an edit, is applied to the features of "
        "your picture, and the result is decoded. How near it comes to the edited photo shows what the layer "
        "holds linearly."
    ),
    options=LinearEditOptions,
    run=run,
)
