"""What experiments measure: features, remembered while their picture lives, scores, and opinions."""

from collections.abc import Sequence
from statistics import fmean

from jaxtyping import Float
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from explorer.experiments.experiment import ExperimentError, Row, Value
from explorer.experiments.operations.edits import Maps
from explorer.images import Images, Picture
from explorer.lab.lab import Lab
from explorer.metrics.functional import top5_agreement
from explorer.report.charts import Line

# By the picture's own tensor, so that what belongs to a picture goes with it.
_features = WeakTensorKeyDictionary()


def encode(lab: Lab, picture: Picture, layer: str) -> Maps:
    """Compute a picture's features at one node; asked again, they are there at once.

    Raises:
        ExperimentError: the node has no maps of rows and columns.
        UnknownNodeError: the network has no such node.
    """
    known: dict[str, Maps] = _features.setdefault(picture.images, {})  # pyright: ignore[reportAssignmentType]
    key = lab.trunk(layer).fingerprint
    if key not in known:
        features = lab.at(layer).encode(picture)
        if len(features) > 1 or next(iter(features.values())).ndim != 4:
            shapes = " and ".join(str(tuple(maps.shape[1:])) for maps in features.values())
            raise ExperimentError(
                f"'{layer}' has features of shape {shapes}: experiments need one node of channels x rows x "
                "columns, such as layer3."
            )
        known[key] = features[layer]
    return known[key]


def remembered_nbytes(picture: Picture) -> int:
    """Tell how much memory a picture's features take as long as it lives."""
    known: dict[str, Maps] = _features.get(picture.images) or {}  # pyright: ignore[reportAssignmentType]
    return sum(maps.nbytes for maps in list(known.values()))


def compare_opinions(
    lab: Lab, edited: Maps, original: Float[Tensor, "1 channels rows columns"], layer: str
) -> list[float] | list[None]:
    """Compute the top-5 agreement of what the network makes of each batch of edited features, 0 to 1.

    None where its weights come without a classifier.
    """
    if not lab.backbone.categories:
        return [None] * len(edited)
    ours, theirs = (lab.at(layer).continue_from({layer: maps}) for maps in (edited, original))
    return top5_agreement(ours, theirs.expand_as(ours)).tolist()


def measure(lab: Lab, picture: Picture, layer: str, images: Images) -> list[dict[str, Value]]:
    """Score a batch of reconstructions of one picture from one layer: a row of metrics for each.

    A metric that is missing or infinite is None, as in every report.
    """
    scores = lab.scorer.score_all([(layer, image[None]) for image in images], picture.images)
    return [dict(one.finite().values) for one in scores]


def mean_of(rows: Sequence[Row], column: str, **wanted: Value) -> float | None:
    """Average a column over the rows with these values; None where no row has a number there."""
    chosen = [row[column] for row in rows if all(row[name] == value for name, value in wanted.items())]
    there = [float(value) for value in chosen if value is not None]
    return fmean(there) if there else None


def curve_layers(rows: Sequence[Row], layers: Sequence[str], x: str, y: str) -> list[Line]:
    """Draw a curve for each layer: the mean of one column at every value of another."""
    lines = []
    for layer in layers:
        places = sorted({float(row[x] or 0) for row in rows if row["layer"] == layer})
        means = [mean_of(rows, y, layer=layer, **{x: place}) for place in places]
        lines.append(Line(layer, places, means, layer))
    return lines
