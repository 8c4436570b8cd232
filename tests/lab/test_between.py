"""What two decoders of one layer tell together."""

import pytest
import torch

from explorer.examples import load_example
from explorer.images import Picture
from explorer.lab.between import SHARES, correlate_ranks, differ, doubt, mix
from explorer.lab.lab import Lab
from explorer.metrics.functional import psnr


@pytest.fixture(scope="module")
def picture() -> Picture:
    return load_example("cat")


def test_ranks_that_agree_correlate_by_one_and_reversed_ones_by_minus_one() -> None:
    rising = torch.tensor([[0.1, 0.2], [0.7, 0.9]])
    assert correlate_ranks(rising, rising**3) == pytest.approx(1)
    assert correlate_ranks(rising, 1 - rising) == pytest.approx(-1)
    assert correlate_ranks(rising, torch.full((2, 2), 0.5)) is None


def test_pictures_differ_in_the_block_where_they_do() -> None:
    black, marked = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    marked[..., :8, 8:] = 0.5
    torch.testing.assert_close(differ(black, marked), torch.tensor([[0.0, 0.25], [0.0, 0.0]]))


def test_the_first_decoder_s_neighbour_is_asked_where_the_error_is(
    refined_lab: Lab, picture: Picture
) -> None:
    made = refined_lab.at("layer1").reconstruct(picture, "decoder")
    found = doubt(refined_lab, picture, made)
    assert found is not None
    assert found.second == "consistent"
    assert found.blocks.shape == (28, 28)
    assert found.foresight is not None
    assert -1 <= found.foresight <= 1


def test_a_layer_with_one_decoder_has_nobody_to_ask(refined_lab: Lab, picture: Picture) -> None:
    made = refined_lab.at("layer4").reconstruct(picture, "linear")
    assert doubt(refined_lab, picture, made) is None
    assert mix(refined_lab, picture, "layer4") is None


def test_mixtures_lead_from_the_faithful_picture_to_the_likely_one(
    refined_lab: Lab, picture: Picture
) -> None:
    between = mix(refined_lab, picture, "layer1")
    assert between is not None
    assert len(between.psnr_db) == len(between.lpips) == len(SHARES)
    ends = (between.faithful, between.likely)
    for images, measured in zip(ends, (between.psnr_db[0], between.psnr_db[-1]), strict=True):
        assert measured == pytest.approx(float(psnr(images, picture.images)), abs=0.05)


def test_the_balanced_decoder_is_the_mixture_where_there_is_one(refined_lab: Lab) -> None:
    assert [refined_lab.at(layer).balanced_decoder for layer in ("layer1", "layer4")] == ["mixed", "linear"]
