"""The judge: how alike two pictures are, to the eye's metrics and to the network itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.images import Images, quantise
from explorer.metrics import (
    Lpips,
    MetricUnavailable,
    Scores,
    feature_cosine,
    feature_error,
    psnr,
    ssim,
    top5_agreement,
)
from explorer.models import Models

# The node whose output is the network's own opinion of a picture.
LOGITS = "fc"
TOP_CLASSES = 5


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
        """Compare two pictures."""
        images, original = self._place(images), self._place(original)
        perceptual, reasons = self._measure_lpips(images, original)
        return Likeness(
            psnr_db=float(psnr(images, original).mean()),
            ssim=float(ssim(images, original).mean()),
            lpips=perceptual,
            top5_agreement=float(top5_agreement(self._logits(images), self._logits(original)).mean()),
            reasons=reasons,
        )

    @torch.no_grad()
    def score(self, images: Images, original: Images, layer: str) -> Scores:
        """Compare a reconstruction with the original, and their features at the layer it came from."""
        likeness = self.likeness(images, original)
        trunk = self._models.trunk(layer)
        reached, target = trunk(self._place(images)), trunk(self._place(original))
        return Scores(
            psnr_db=likeness.psnr_db,
            ssim=likeness.ssim,
            lpips=likeness.lpips,
            feature_error=_mean(feature_error(reached[node], target[node]) for node in trunk.nodes),
            feature_cosine=_mean(feature_cosine(reached[node], target[node]) for node in trunk.nodes),
            top5_agreement=likeness.top5_agreement,
            reasons=likeness.reasons,
        )

    @torch.no_grad()
    def predictions(self, images: Images) -> list[Prediction]:
        """Name the five classes that the network itself finds likeliest in a picture, best first."""
        best = self._logits(self._place(images)).softmax(dim=1)[0].topk(TOP_CLASSES)
        categories = self._models.backbone.categories
        return [
            Prediction(categories[index], float(value))
            for value, index in zip(best.values, best.indices.tolist(), strict=True)
        ]

    def _place(self, images: Images) -> Images:
        return quantise(self._models.place(images))

    def _logits(self, images: Images) -> Float[Tensor, "batch classes"]:
        return self._models.trunk(LOGITS)(images)[LOGITS]

    def _measure_lpips(self, images: Images, original: Images) -> tuple[float | None, dict[str, str]]:
        try:
            return float(self._lpips(images, original).mean()), {}
        except MetricUnavailable as error:
            return None, {"lpips": str(error)}


def _mean(values: Iterable[Float[Tensor, "batch"]]) -> float:
    return float(torch.stack([value.mean() for value in values]).mean())
