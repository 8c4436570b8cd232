"""Refinement: passes that correct a picture, and files that correct one decoder only."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torchvision.models.resnet import ResNet

from explorer.decoders.checkpoint import (
    Decoder,
    DecoderError,
    decoder_path,
    load_decoder,
    save_decoder,
)
from explorer.decoders.refinement import (
    RefinedDecoder,
    decode_and_refine,
    describe_refinement,
    find_refinement,
    fingerprint_decoder,
    load_refinement,
    stack_evidence,
)
from explorer.features.trunk import Trunk, build_trunk
from tests.support.decoders import (
    CHANNELS,
    DECODER,
    EVIDENCE,
    TINY,
    make_card,
    make_random,
    make_refinement,
    save_refinement,
)


@pytest.fixture
def trunk(tiny_network: ResNet) -> Trunk:
    return build_trunk(tiny_network, "layer1")


@pytest.fixture
def decoder(trunk: Trunk) -> Decoder:
    return Decoder(make_random(DECODER), replace(make_card(trunk.fingerprint), config=DECODER))


def test_each_pass_adds_what_the_network_sees_in_target_residual_and_picture(
    trunk: Trunk, decoder: Decoder
) -> None:
    images = torch.rand(2, 3, 64, 64)
    target = trunk(images)
    refinement = make_refinement(decoder)
    first, second, third = decode_and_refine(decoder, refinement, trunk, target, passes=2)
    torch.testing.assert_close(first, decoder(target))
    for before, after in ((first, second), (second, third)):
        evidence = stack_evidence(target["layer1"], trunk(before)["layer1"], before)
        torch.testing.assert_close(after, (before + refinement.network(evidence)).clamp(0, 1))
        assert not torch.equal(before, after)


def test_a_refined_decoder_gives_the_picture_after_its_last_pass(trunk: Trunk, decoder: Decoder) -> None:
    target = trunk(torch.rand(1, 3, 64, 64))
    refined = RefinedDecoder(decoder, make_refinement(decoder), trunk, passes=3)
    pictures = list(refined.watch(target))
    assert len(pictures) == 4
    torch.testing.assert_close(refined(target), pictures[-1])


def test_evidence_holds_target_missing_features_and_every_pixel() -> None:
    target, reached = torch.rand(2, 1, CHANNELS, 4, 4)
    images = torch.rand(1, 3, 16, 16)
    evidence = stack_evidence(target, reached, images)
    assert evidence.shape == (1, EVIDENCE.in_channels, 4, 4)
    torch.testing.assert_close(evidence[:, :CHANNELS], target)
    torch.testing.assert_close(evidence[:, CHANNELS : 2 * CHANNELS] + reached, target)
    torch.testing.assert_close(torch.nn.functional.pixel_shuffle(evidence[:, 2 * CHANNELS :], 4), images)


def test_a_network_that_says_nothing_leaves_the_picture(trunk: Trunk, decoder: Decoder) -> None:
    silent = make_refinement(decoder)
    for parameter in silent.network.parameters():
        torch.nn.init.zeros_(parameter)
    first, second = decode_and_refine(decoder, silent, trunk, trunk(torch.rand(1, 3, 64, 64)), passes=1)
    torch.testing.assert_close(first, second)


def test_less_than_one_pass_is_an_error(trunk: Trunk, decoder: Decoder) -> None:
    passes = decode_and_refine(decoder, make_refinement(decoder), trunk, {}, passes=0)
    with pytest.raises(DecoderError, match="0 passes"):
        next(passes)


def test_the_found_refinement_is_that_of_the_decoder(tmp_path: Path, decoder: Decoder) -> None:
    assert find_refinement(decoder, tmp_path) is None
    path = save_refinement(decoder, tmp_path)
    found = find_refinement(decoder, tmp_path)
    assert found is not None
    assert found.card == load_refinement(path).card


def test_a_decoder_read_from_its_file_keeps_its_fingerprint(tmp_path: Path, decoder: Decoder) -> None:
    path = decoder_path(tmp_path, "layer1", "faithful")
    save_decoder(decoder.network, decoder.card, path)
    assert fingerprint_decoder(load_decoder(path).network) == fingerprint_decoder(decoder.network)


def test_a_refinement_of_another_decoder_is_an_error_naming_both(tmp_path: Path, decoder: Decoder) -> None:
    path = save_refinement(decoder, tmp_path)
    expected = fingerprint_decoder(decoder.network)
    torch.nn.init.ones_(decoder.network.to_image.weight)
    other = fingerprint_decoder(decoder.network)
    with pytest.raises(DecoderError, match=rf"{path}.*{expected}.*{other}"):
        find_refinement(decoder, tmp_path)


def test_a_refinement_does_not_load_as_a_decoder_nor_a_decoder_as_a_refinement(
    tmp_path: Path, decoder: Decoder
) -> None:
    with pytest.raises(DecoderError, match="cannot decode by itself"):
        load_decoder(save_refinement(decoder, tmp_path))
    path = decoder_path(tmp_path, "layer1", "faithful")
    save_decoder(decoder.network, decoder.card, path)
    with pytest.raises(DecoderError, match="holds a faithful decoder"):
        load_refinement(path)


def test_only_some_layers_are_refined() -> None:
    assert describe_refinement(DECODER).in_channels == EVIDENCE.in_channels
    with pytest.raises(DecoderError, match="no refinement for layer4"):
        describe_refinement(replace(TINY, layer="layer4"))
