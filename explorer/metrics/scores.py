"""The table of metrics, and the scores that they give.

A further metric is its function and one entry in METRICS: reports, sheets, the page and all tables read them.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.errors import MetricUnavailable
from explorer.metrics.functional import TOP, feature_cosine, feature_error, psnr, ssim, top5_agreement
from explorer.metrics.lpips import Lpips
from explorer.metrics.recognition import Opinions, is_recognised
from explorer.metrics.thumbnail import thumbnail_side

# What a metric compares, each a pair of batches: two pictures, what the network says of them (logits), what
# another network says (probabilities), or the features at a node.
Kind = Literal["pictures", "logits", "opinions", "features"]
Pair = tuple[Tensor, Tensor]
MISSING = "–"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: how it is computed, and how it is written.

    `compute` takes the reconstruction's side and the original's, and may raise MetricUnavailable.
    """

    key: str
    name: str
    unit: str
    decimals: int
    better: Literal["higher", "lower"]
    kind: Kind
    compute: Callable[[Any, Any], Float[Tensor, "batch"]]
    infinite: str = "infinite: the pictures are equal"  # What an infinite value says of the two.

    @property
    def heading(self) -> str:
        """The name with its unit, as it stands over a column."""
        return f"{self.name}, {self.unit}" if self.unit else self.name

    def show(self, value: float | None) -> str:
        """Write a value without its unit; a missing one is a dash."""
        if value is None:
            return MISSING
        return f"{value * 100 if self.unit == '%' else value:.{self.decimals}f}"

    def caption(self, value: float | None) -> str:
        """Write a value with name and unit."""
        return " ".join(filter(None, (self.name, self.show(value), self.unit)))


_ALL = (
    Metric("psnr_db", "PSNR", "dB", 2, "higher", "pictures", psnr),
    Metric("ssim", "SSIM", "", 3, "higher", "pictures", ssim),
    Metric("lpips", "LPIPS", "", 3, "lower", "pictures", Lpips()),
    Metric(
        "feature_error", "feature error", "", 3, "lower", "features", feature_error,
        infinite="infinite: the target features are zero",
    ),
    Metric("feature_cosine", "feature cosine", "", 3, "higher", "features", feature_cosine),
    Metric("top5_agreement", "top-5 shared", "%", 0, "higher", "logits", top5_agreement),
    Metric("thumbnail_side", "thumbnail", "px", 0, "higher", "pictures", thumbnail_side),
    Metric("top1_agreement", "top-1 kept", "%", 0, "higher", "logits", partial(is_recognised, top=1)),
    Metric(
        "recognised_top1", "other network’s top-1", "%", 0, "higher", "opinions",
        partial(is_recognised, top=1),
    ),
    Metric(
        "recognised_top5", "other network’s top-5", "%", 0, "higher", "opinions",
        partial(is_recognised, top=TOP),
    ),
)  # fmt: skip
METRICS = {metric.key: metric for metric in _ALL}


@dataclass(frozen=True, slots=True)
class Scores:
    """What has been measured of one reconstruction, by key; one that is None has its reason in `reasons`.

    `seen` and `seen_in_original` are what two networks take it and the original for, where they were asked.
    """

    values: Mapping[str, float | None]
    reasons: Mapping[str, str] = field(default_factory=dict)
    # Said on the page alone; files keep the figures that follow from them.
    seen: Opinions | None = field(default=None, compare=False)
    seen_in_original: Opinions | None = field(default=None, compare=False)
    farther_pairs: int | None = field(default=None, compare=False)  # Of PAIRS random ones, at this layer.

    def __getitem__(self, key: str) -> float | None:
        """Give a value; None also for a metric that was not measured."""
        return self.values.get(key)

    def __or__(self, other: "Scores") -> "Scores":
        """Join the measurements of two kinds."""
        return replace(
            self, values={**self.values, **other.values}, reasons={**self.reasons, **other.reasons}
        )

    def finite(self) -> "Scores":
        """Replace infinite and undefined values, which JSON cannot hold, by None and a reason."""
        values, reasons = dict(self.values), dict(self.reasons)
        for key, value in self.values.items():
            if value is not None and not math.isfinite(value):
                values[key] = None
                reasons[key] = "undefined (not a number)" if math.isnan(value) else METRICS[key].infinite
        return replace(self, values=values, reasons=reasons)

    def plain(self) -> dict[str, Any]:
        """Write the finite scores as JSON can hold them, in the order of METRICS, `reasons` last."""
        scores = self.finite()
        measured = {key: scores[key] for key in METRICS if key in scores.values}
        return {**measured, "reasons": dict(scores.reasons)}

    @classmethod
    def from_plain(cls, given: Mapping[str, Any]) -> "Scores":
        """Read what `plain` has written."""
        return cls({key: value for key, value in given.items() if key != "reasons"}, given["reasons"])


def measure(pairs: Mapping[Kind, Sequence[Pair]], missing: Mapping[Kind, str] | None = None) -> list[Scores]:
    """Compute every metric of the given kinds, for each member of the batch.

    Several pairs of a kind (the nodes of a joint set) count equally. `missing` kinds are None, with a reason.
    """
    batch = len(next(iter(pairs.values()))[0][0])
    rows: list[dict[str, float | None]] = [{} for _ in range(batch)]
    absent = missing or {}
    reasons = {key: absent[metric.kind] for key, metric in METRICS.items() if metric.kind in absent}
    for key, metric in METRICS.items():
        for row in rows if metric.kind in absent else ():
            row[key] = None
        if metric.kind not in pairs or metric.kind in absent:
            continue
        try:
            column = torch.stack([metric.compute(*pair) for pair in pairs[metric.kind]]).mean(0).tolist()
        except MetricUnavailable as error:
            column, reasons[key] = [None] * batch, str(error)
        for row, value in zip(rows, column, strict=True):
            row[key] = value
    return [Scores(row, reasons) for row in rows]


def join_reasons(scores: Iterable[Scores]) -> str:
    """Say why metrics are missing, each reason once."""
    return " ".join(sorted({reason for one in scores for reason in one.reasons.values()}))
