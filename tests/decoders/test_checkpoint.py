"""Decoder networks and files: shapes, the start without checkerboard, and errors that name the file."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models.resnet import ResNet

from explorer.decoders import checkpoint
from explorer.decoders.architecture import ARCHITECTURES, DecoderConfig
from explorer.decoders.checkpoint import (
    Decoder,
    DecoderError,
    decoder_path,
    find_decoder,
    load_decoder,
    read_card,
    require_fit,
    save_decoder,
    shrink_decoder,
)
from explorer.decoders.network import DecoderNetwork, OverlappingPatches, Upsample, blend_window
from explorer.features.trunk import build_trunk
from tests.support.decoders import TINY, make_card

MAX_PARAMETERS = (
    9_000_000  # 9 MB at eight bits, below what a push to a Space takes without large-file storage.
)


def make_network() -> DecoderNetwork:
    torch.manual_seed(0)
    network = DecoderNetwork(TINY)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize("layer", ARCHITECTURES)
def test_every_architecture_fits_its_layer_and_the_size_limit(layer: str) -> None:
    config = ARCHITECTURES[layer]
    network = DecoderNetwork(config)
    with torch.no_grad():
        images = network(torch.rand(1, config.in_channels, 2, 3))
    assert images.shape == (1, 3, 2 * config.stride, 3 * config.stride)
    assert 224 % config.stride == 0
    assert sum(parameter.numel() for parameter in network.parameters()) <= MAX_PARAMETERS


def test_upsampling_starts_without_a_checkerboard() -> None:
    upsampled = Upsample(6, 4, 3)(torch.rand(1, 6, 5, 5))
    cells = torch.nn.functional.pixel_unshuffle(upsampled, 2).view(1, 4, 4, 5, 5)
    torch.testing.assert_close(cells, cells[:, :, :1].expand_as(cells))


def test_new_network_gives_exactly_its_linear_heads_picture() -> None:
    network = DecoderNetwork(TINY)
    features = torch.rand(1, 32, 4, 4)
    torch.testing.assert_close(network(features), network.linear_out(network.linear_in(features)))


def test_overlapping_patches_of_equal_cells_make_one_smooth_picture_up_to_its_border() -> None:
    window = blend_window(4)
    head = OverlappingPatches(1, 4)
    with torch.no_grad():
        head.weight.copy_(window.expand_as(head.weight))
        head.bias.zero_()  # pyright: ignore[reportOptionalMemberAccess]
        images = head(torch.ones(1, 1, 3, 5))
    torch.testing.assert_close(images, torch.ones(1, 3, 12, 20))


def test_an_enlarging_network_draws_small_and_interpolates_the_square_roots_picture() -> None:
    network = DecoderNetwork(replace(TINY, enlargement=2, has_root=True, linear_rank=0))
    torch.nn.init.normal_(network.to_image.weight)
    features = torch.rand(1, 32, 4, 4)
    small = network(features, is_enlarged=False)
    assert small.shape == (1, 3, 16, 16)
    expected = torch.nn.functional.interpolate(small, size=32, mode="bicubic")
    torch.testing.assert_close(network(features), expected)
    network.config = replace(network.config, has_root=False)
    torch.testing.assert_close(network(features.sqrt(), is_enlarged=False), small)


def test_a_linear_head_alone_reaches_the_full_size_of_an_enlarging_decoder() -> None:
    alone = replace(TINY, enlargement=2, has_root=True).without_branch()
    assert (alone.stride, alone.enlargement, alone.has_root) == (8, 1, False)


def test_unequal_widths_and_blocks_are_an_error() -> None:
    with pytest.raises(ValueError, match="block counts"):
        DecoderConfig("layer1", 32, (8, 8), (1,), 6)


def test_saved_decoder_loads_with_its_card_and_half_precision_weights(tmp_path: Path) -> None:
    network, path = make_network(), tmp_path / "layer1-faithful.safetensors"
    save_decoder(network, make_card("abc"), path)
    decoder = load_decoder(path)
    assert decoder.card == make_card("abc") == read_card(path)
    features = torch.rand(1, 32, 4, 4)
    expected = network(features).clamp(0, 1)
    torch.testing.assert_close(decoder({"layer1": features}), expected, atol=5e-3, rtol=0)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("layer", ["layer1", "layer3"])
def test_a_shrunk_decoder_is_the_one_that_its_file_would_hold(tmp_path: Path, layer: str) -> None:
    card, path = replace(make_card("abc"), config=replace(TINY, layer=layer)), tmp_path / "a.safetensors"
    network = DecoderNetwork(card.config)
    save_decoder(network, card, path)
    shrunk = shrink_decoder(Decoder(network, card)).network.state_dict()
    for name, tensor in load_decoder(path).network.state_dict().items():
        assert torch.equal(shrunk[name], tensor)


def test_find_decoder_takes_only_what_knows_the_trunk(tmp_path: Path, tiny_network: ResNet) -> None:
    trunk = build_trunk(tiny_network, "layer1")
    path = decoder_path(tmp_path / "tiny", "layer1", "faithful")
    save_decoder(make_network(), make_card("another"), path)
    assert find_decoder(trunk, folder=tmp_path) is None
    assert find_decoder(trunk, folder=tmp_path, digest="00000000") is not None
    save_decoder(make_network(), make_card(trunk.fingerprint), path)
    assert find_decoder(trunk, folder=tmp_path) is not None
    assert find_decoder(trunk, "consistent", tmp_path) is None
    assert find_decoder(build_trunk(tiny_network, "layer2"), folder=tmp_path) is None


def test_decoder_for_another_trunk_is_an_error_naming_file_expected_and_found(
    tmp_path: Path, tiny_network: ResNet
) -> None:
    trunk = build_trunk(tiny_network, "layer1")
    path = tmp_path / "layer1-faithful.safetensors"
    save_decoder(make_network(), make_card("0123456789abcdef"), path)
    with pytest.raises(DecoderError, match=rf"{path}.*0123456789abcdef.*{trunk.fingerprint}"):
        require_fit(load_decoder(path), trunk, path)


@pytest.mark.parametrize("length", [0, 7, 200, 5000])
def test_truncated_file_is_an_error_that_names_it(tmp_path: Path, length: int) -> None:
    path = tmp_path / "layer1-faithful.safetensors"
    save_decoder(make_network(), make_card("abc"), path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DecoderError, match="layer1-faithful"):
        load_decoder(path)


def test_a_card_of_another_version_is_an_error_that_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "layer1-faithful.safetensors"
    monkeypatch.setattr(checkpoint, "FORMAT_VERSION", 99)
    save_decoder(make_network(), make_card("abc"), path)
    with pytest.raises(DecoderError, match=r"layer1-faithful.*needs a decoder card of version \d+.*99"):
        load_decoder(path)


def test_a_file_that_has_vanished_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "layer1-faithful.safetensors"
    save_decoder(make_network(), make_card("abc"), path)
    path.unlink()
    with pytest.raises(DecoderError, match="layer1-faithful"):
        load_decoder(path)


def test_files_without_a_card_or_of_another_kind_are_errors(tmp_path: Path) -> None:
    bare, text, absent = (
        tmp_path / "bare.safetensors",
        tmp_path / "text.safetensors",
        tmp_path / "no.safetensors",
    )
    save_file({"weight": torch.zeros(1)}, bare)
    text.write_text("not a tensor file")
    for path in (bare, text, absent):
        with pytest.raises(DecoderError, match=path.name):
            load_decoder(path)


def test_weights_that_do_not_fit_their_card_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "layer1-faithful.safetensors"
    other = DecoderNetwork(DecoderConfig("layer1", 16, (8, 8, 4), (1, 0, 0), 6, 3))
    save_decoder(other, make_card("abc"), path)
    with pytest.raises(DecoderError, match="card describes"):
        load_decoder(path)
