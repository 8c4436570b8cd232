"""The scorer: the metrics' own values, on the 8-bit pixels that a file would keep."""

import pytest
import torch

from explorer.features.trunk import build_trunk
from explorer.images import Picture, quantise
from explorer.lab.run import Reconstruction
from explorer.metrics import functional as metrics
from tests.support.made import SIZE, make_picture


def test_a_perfect_reconstruction_scores_perfectly(tiny_lab):
    picture = Picture("eight bits", quantise(make_picture().images))
    score = tiny_lab.score(picture, Reconstruction("layer2", "optimiser", picture.images, 1, 0.0))
    assert score["psnr_db"] == float("inf")
    assert score["feature_error"] == pytest.approx(0, abs=1e-9)
    assert score["feature_cosine"] == pytest.approx(1, abs=1e-5)
    assert score["top5_agreement"] == 1


def test_scores_are_those_of_the_metrics_on_eight_bit_pixels(tiny_lab, tiny_network):
    original, noise = make_picture().images, 0.2 * torch.rand(2, 1, 3, SIZE, SIZE)
    made = [("layer2", original + noise[0]), ("layer1+layer3", original + noise[1])]
    made += [("layer3.0.conv2", made[0][1])]
    for (layer, images), scores in zip(made, tiny_lab.scorer.score_all(made, original), strict=True):
        pair = quantise(images), quantise(original)
        features = [build_trunk(tiny_network, layer)(one) for one in pair]
        logits = [build_trunk(tiny_network, "fc")(one)["fc"] for one in pair]
        nodes = list(zip(*(one.values() for one in features), strict=True))
        errors = [metrics.feature_error(*node) for node in nodes]
        cosines = [metrics.feature_cosine(*node) for node in nodes]
        assert scores["psnr_db"] == pytest.approx(metrics.psnr(*pair).item(), abs=1e-4)
        assert scores["ssim"] == pytest.approx(metrics.ssim(*pair).item(), abs=1e-5)
        assert scores["top5_agreement"] == metrics.top5_agreement(*logits).item()
        assert scores["feature_error"] == pytest.approx(torch.stack(errors).mean().item(), rel=1e-3)
        assert scores["feature_cosine"] == pytest.approx(torch.stack(cosines).mean().item(), rel=1e-3)
        assert (scores["lpips"] is None) == ("lpips" in scores.reasons)


def test_predictions_are_named_best_first(tiny_lab):
    predictions = tiny_lab.scorer.predictions(make_picture().images)
    probabilities = [prediction.probability for prediction in predictions]
    assert len(predictions) == 5
    assert probabilities == sorted(probabilities, reverse=True)
    assert predictions[0].label.startswith("class ")
