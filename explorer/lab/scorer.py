"""The judge: how alike two pictures are, to the eye's metrics and to the network itself."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.errors import MetricUnavailable
from explorer.features.layers import LAYERS, join_nodes, split_nodes
from explorer.features.trunk import Features
from explorer.images import Images, quantise
from explorer.lab.models import Models
from explorer.metrics.functional import (
    TOP,
    Scores,
    feature_cosine,
    feature_error,
    psnr,
    ssim,
    top5_agreement,
)
from explorer.metrics.lpips import Lpips

# The node whose output is the network's own opinion of a picture.
LOGITS = "fc"
# One pass to the end gives the features of every layer on the way.
JUDGED_NODES = join_nodes((*LAYERS, LOGITS))


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class the network sees in a picture, with its softmax probability."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two pictures are; a metric that is None has its reason in `reasons`."""

    psnr_db: float
    ssim: float
    lpips: float | None
    top5_agreement: float
    reasons: dict[str, str] = field(default_factory=dict)


class Judge:
    """Measures pictures with every metric and asks the network for its opinion.

    Exactly the 8-bit pixels that a file would keep are measured.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._lpips = Lpips()

    @torch.no_grad()
    def likeness(self, images: Images, original: Images) -> Likeness:
        """Compare two pictures, each 1 x 3 x H x W."""
        images, original = self._place(images), self._place(original)
        return self._compare(images, original, self._look(images)[LOGITS], self._look(original)[LOGITS])[0]

    def score(self, images: Images, original: Images, layer: str) -> Scores:
        """Compare a reconstruction with the original, and their features at the layer it came from."""
        return self.score_all([(layer, images)], original)[0]

    @torch.no_grad()
    def score_all(self, made: Sequence[tuple[str, Images]], original: Images) -> list[Scores]:
        """Score reconstructions of one picture, each 1 x 3 x H x W after the layer that it came from.

        All go through the network together, and one that stands there for several layers is measured once.
        """
        distinct = {id(images): images for _, images in made}
        rows = {key: row for row, key in enumerate(distinct)}
        images, original = self._place(torch.cat(list(distinct.values()))), self._place(original)
        layers = {layer for layer, _ in made}
        reached, target = self._look(images, layers), self._look(original, layers)
        likenesses = self._compare(images, original, reached[LOGITS], target[LOGITS])
        return [
            _complete(likenesses[row], _pick(reached, layer, row), _pick(target, layer, 0))
            for layer, row in ((layer, rows[id(images)]) for layer, images in made)
        ]

    def lpips(self, images: Images, original: Images) -> float | None:
        """Measure LPIPS alone; None where it cannot be had."""
        return self._measure_lpips(self._place(images), self._place(original))[0][0]

    @torch.no_grad()
    def predictions(self, images: Images) -> list[Prediction]:
        """Name the five classes that the network itself finds likeliest in a picture, best first."""
        best = self._look(self._place(images))[LOGITS].softmax(dim=1)[0].topk(TOP)
        categories = self._models.backbone.categories
        return [
            Prediction(categories[index], float(value))
            for value, index in zip(best.values, best.indices.tolist(), strict=True)
        ]

    def _place(self, images: Images) -> Images:
        return quantise(self._models.place(images))

    def _look(self, images: Images, layers: Collection[str] = ()) -> Features:
        """Compute the logits and the features at LAYERS, and at further nodes if asked for."""
        features = self._models.trunk(JUDGED_NODES)(images)
        for layer in layers:
            if not features.keys() >= set(split_nodes(layer)):
                features |= self._models.trunk(layer)(images)
        return features

    def _compare(
        self,
        images: Images,
        original: Images,
        logits: Float[Tensor, "batch classes"],
        original_logits: Float[Tensor, "1 classes"],
    ) -> list[Likeness]:
        originals = original.expand_as(images)
        perceptual, reasons = self._measure_lpips(images, originals)
        agreement = top5_agreement(logits, original_logits.expand_as(logits))
        figures = (psnr(images, originals).tolist(), ssim(images, originals).tolist(), perceptual)
        return [Likeness(*row, reasons) for row in zip(*figures, agreement.tolist(), strict=True)]

    def _measure_lpips(
        self, images: Images, originals: Images
    ) -> tuple[Sequence[float | None], dict[str, str]]:
        try:
            return self._lpips(images, originals).tolist(), {}
        except MetricUnavailable as error:
            return [None] * len(images), {"lpips": str(error)}


def _pick(features: Features, layer: str, row: int) -> Features:
    """Take one picture's features at the nodes of one layer."""
    return {node: features[node][row : row + 1] for node in split_nodes(layer)}


def _complete(likeness: Likeness, reached: Features, target: Features) -> Scores:
    """Add the features' error and cosine, means over the nodes."""
    errors = [feature_error(reached[node], target[node]) for node in target]
    cosines = [feature_cosine(reached[node], target[node]) for node in target]
    return Scores(
        **asdict(likeness),
        feature_error=float(torch.cat(errors).mean()),
        feature_cosine=float(torch.cat(cosines).mean()),
    )
