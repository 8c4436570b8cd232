"""The methods: what runs where, and that the table alone makes one known everywhere."""

import pytest
import torch

from explorer.inversion.settings import load_settings
from explorer.lab.lab import Lab
from explorer.lab.methods import MethodUnavailableError
from explorer.lab.models import Models
from tests.support.decoders import save_refined
from tests.support.made import SIZE, make_picture


def test_an_unknown_method_is_explained(tiny_lab):
    assert "Unknown method 'magic': use decoder, consistent," in tiny_lab.at("layer1").unavailable("magic")


def test_a_missing_decoder_is_explained_and_refused(tiny_lab):
    assert "not available for these weights yet" in tiny_lab.at("layer1").unavailable("decoder")
    with pytest.raises(MethodUnavailableError, match="not available for these weights yet"):
        tiny_lab.at("layer1").decoder()


@pytest.mark.parametrize("node", ["fc", "avgpool"])
def test_a_node_without_a_fine_enough_map_is_refused_by_linear(tiny_lab, node: str, monkeypatch):
    batches = [torch.rand(2, 3, SIZE, SIZE)]
    monkeypatch.setattr("explorer.decoders.linear.example_batches", lambda: batches)
    with pytest.raises(MethodUnavailableError, match=f"{node} .*needs a feature map"):
        tiny_lab.at(node).decoder("linear")


def test_refined_corrects_the_decoders_picture_as_often_as_asked_and_starts_the_hybrid(tiny_lab, tmp_path):
    assert "refinement of the decoder of layer1 is not available" in tiny_lab.at("layer1").unavailable(
        "refined"
    )
    assert tiny_lab.at("layer1").best_start == "linear"
    fresh = Lab(Models(tiny_lab.backbone, checkpoints=save_refined(tiny_lab, tmp_path)))
    picture, at = make_picture(), fresh.at("layer1")
    features = at.encode(picture)
    pictures = [fresh.at("layer1", passes=passes).decode(features, "refined") for passes in (1, 2)]
    assert not torch.equal(*pictures)
    torch.testing.assert_close(at.reconstruct(picture, "refined").images, pictures[1])
    assert at.best_start == "refined"
    first = next(at.invert(features, "hybrid", at.settings("hybrid", evaluations=4), size=(SIZE, SIZE)))
    torch.testing.assert_close(first.images, pictures[1], atol=0.02, rtol=0)


def test_the_passes_of_refined_can_be_watched_from_the_decoders_picture_on(tiny_lab, tmp_path):
    fresh = Lab(Models(tiny_lab.backbone, checkpoints=save_refined(tiny_lab, tmp_path)))
    picture, at = make_picture(), fresh.at("layer1", passes=2)
    features, made = at.encode(picture), list(at.watch_passes(picture))
    torch.testing.assert_close(made[0].images, at.decode(features))
    for number, one in enumerate(made[1:], 1):
        expected = fresh.at("layer1", passes=number).decode(features, "refined")
        torch.testing.assert_close(one.images, expected)
    assert [one.method for one in made] == ["refined"] * 3
    assert 0 < made[0].seconds < made[1].seconds < made[2].seconds


def test_a_layer_without_a_refinement_cannot_be_watched(tiny_lab):
    with pytest.raises(MethodUnavailableError, match="refinement of the decoder of layer2"):
        next(tiny_lab.at("layer2").watch_passes(make_picture()))


def test_a_set_of_layers_has_no_decoder(tiny_lab):
    assert "one layer at a time" in tiny_lab.at("layer1+layer2").unavailable("linear")


def test_a_method_that_takes_no_steps_cannot_be_run_nor_one_that_does_decode(tiny_lab):
    with pytest.raises(MethodUnavailableError, match="takes no steps"):
        tiny_lab.at("layer1").run(make_picture(), "linear", load_settings("layer1"))
    with pytest.raises(MethodUnavailableError, match="does not decode in one pass"):
        tiny_lab.at("layer1").decoder("optimiser")


def test_hybrid_says_when_the_linear_decoder_stands_in(tiny_lab, monkeypatch):
    monkeypatch.setattr(tiny_lab.models, "decoder", lambda layer, variant, passes: _Grey())
    at = tiny_lab.at("layer1")
    made = at.reconstruct(make_picture(), "hybrid", at.settings("hybrid", evaluations=4))
    assert made.notice is not None
    assert "linear decoder" in made.notice


class _Grey(torch.nn.Module):
    def forward(self, features):
        return torch.full((1, 3, SIZE, SIZE), 0.5)
