"""Scores of all reconstructions of one picture at once: one pass of the network over all of them.

The same figures as the lab's judge gives one by one, at a fraction of the time.
"""

from collections.abc import Sequence

import torch

from explorer.features import JOINT_SEPARATOR
from explorer.images import Images, quantise
from explorer.judge import LOGITS
from explorer.lab import Lab
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
from explorer.reconstruction import Reconstruction


class BatchJudge:
    """Scores reconstructions from single layers of one backbone."""

    def __init__(self, lab: Lab, layers: Sequence[str]) -> None:
        self._device = lab.device
        self._trunk = lab.trunk(JOINT_SEPARATOR.join([*layers, LOGITS]))
        self._lpips = Lpips()

    @torch.no_grad()
    def score(self, original: Images, reconstructions: Sequence[Reconstruction]) -> list[Scores]:
        """Score each reconstruction against the original, 1 x 3 x H x W; equal ones are measured once."""
        distinct = {id(one.images): one.images for one in reconstructions}
        rows = {key: row for row, key in enumerate(distinct)}
        original = quantise(original.to(self._device))
        images = quantise(torch.cat(list(distinct.values())).to(self._device))
        originals = original.expand_as(images)
        reached, target = self._trunk(images), self._trunk(original)
        figures = {
            "psnr_db": psnr(images, originals),
            "ssim": ssim(images, originals),
            "top5_agreement": top5_agreement(reached[LOGITS], target[LOGITS].expand_as(reached[LOGITS])),
        }
        reasons = {}
        try:
            figures["lpips"] = self._lpips(images, originals)
        except MetricUnavailable as error:
            reasons["lpips"] = str(error)
        scores = []
        for one in reconstructions:
            row = rows[id(one.images)]
            features = reached[one.layer][row : row + 1], target[one.layer]
            scores.append(
                Scores(
                    **{"lpips": None} | {name: float(values[row]) for name, values in figures.items()},
                    feature_error=float(feature_error(*features)),
                    feature_cosine=float(feature_cosine(*features)),
                    reasons=reasons,
                )
            )
        return scores
