"""Scores: one entry makes a metric, and no number is made up."""

import json
import math
from dataclasses import replace

import pytest
import torch

from explorer.errors import MetricUnavailable
from explorer.metrics.scores import METRICS, Scores, join_reasons, measure


def test_all_metrics_of_a_kind_are_computed_for_every_member_of_the_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(2, 3, 64, 64, generator=generator)
    scores = measure({"pictures": [(pictures, pictures[:1].expand_as(pictures))]})
    assert scores[0]["psnr_db"] == math.inf
    assert scores[1]["psnr_db"] == pytest.approx(7.8, abs=1)
    assert all(one.values.keys() == scores[0].values.keys() for one in scores)
    assert "feature_error" not in scores[0].values
    assert scores[0]["feature_error"] is None


def test_the_nodes_of_a_joint_set_count_equally() -> None:
    target = torch.ones(1, 4)
    pairs = [(1.1 * target, target), (1.3 * target.repeat(1, 9), target.repeat(1, 9))]
    (scores,) = measure({"features": pairs})
    assert scores["feature_error"] == pytest.approx((0.01 + 0.09) / 2)


def test_a_metric_that_cannot_be_had_is_none_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(images: torch.Tensor, original: torch.Tensor) -> torch.Tensor:
        raise MetricUnavailable("no weights here")

    monkeypatch.setitem(METRICS, "lpips", replace(METRICS["lpips"], compute=refuse))
    pictures = torch.rand(2, 3, 64, 64)
    scores = measure({"pictures": [(pictures, pictures)]})
    assert [one["lpips"] for one in scores] == [None, None]
    assert join_reasons(scores) == "no weights here"


def test_infinite_and_undefined_values_become_none_with_a_reason() -> None:
    scores = Scores({"psnr_db": math.inf, "ssim": 1.0, "feature_cosine": math.nan, "feature_error": math.inf})
    assert scores.finite() == Scores(
        {"psnr_db": None, "ssim": 1.0, "feature_cosine": None, "feature_error": None},
        {
            "psnr_db": "infinite: the pictures are equal",
            "feature_cosine": "undefined (not a number)",
            "feature_error": "infinite: the target features are zero",
        },
    )


def test_scores_survive_json() -> None:
    scores = Scores({"psnr_db": 20.5, "lpips": None}, {"lpips": "no weights here"})
    assert Scores.from_plain(json.loads(json.dumps(scores.plain()))) == scores


def test_values_are_written_with_their_decimals_and_units() -> None:
    assert METRICS["psnr_db"].heading == "PSNR, dB"
    assert METRICS["ssim"].heading == "SSIM"
    assert METRICS["psnr_db"].caption(20.456) == "PSNR 20.46 dB"
    assert METRICS["top5_agreement"].caption(0.6) == "top-5 shared 60 %"
    assert METRICS["lpips"].show(None) == "–"
