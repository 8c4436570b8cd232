"""Decoders and refinements of the tiny network's layer1, made of noise, and their cards."""

from dataclasses import replace
from pathlib import Path

import torch

from explorer.decoders.architecture import DecoderConfig
from explorer.decoders.checkpoint import REFINEMENT, Decoder, DecoderCard, decoder_path, save_decoder
from explorer.decoders.network import DecoderNetwork
from explorer.decoders.refinement import Refinement, fingerprint_decoder
from explorer.lab.lab import Lab

TINY = DecoderConfig("layer1", 32, (8, 8, 4), (1, 0, 0), 6, 3)
CHANNELS = 256  # Of the tiny network's layer1.
DECODER = replace(TINY, in_channels=CHANNELS)
EVIDENCE = DecoderConfig("layer1", 2 * CHANNELS + 3 * 4**2, (8, 8, 4), (1, 0, 0), 6)


def make_card(fingerprint: str, digest: str = "00000000") -> DecoderCard:
    return DecoderCard(
        config=TINY,
        variant="faithful",
        backbone="resnet50",
        fingerprints={fingerprint: "tiny"},
        data="none",
        steps=0,
        pictures=0,
        code_version="0",
        licence="MIT",
        figures={"psnr_db": 12.5},
        digests={digest: "a file it should carry over to"},
    )


def make_random(config: DecoderConfig) -> DecoderNetwork:
    torch.manual_seed(0)
    network = DecoderNetwork(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    return network


def make_refinement(decoder: Decoder) -> Refinement:
    network = make_random(EVIDENCE)
    card = replace(
        decoder.card, config=EVIDENCE, variant=REFINEMENT, refines=fingerprint_decoder(decoder.network)
    )
    return Refinement(network, card)


def save_refinement(decoder: Decoder, folder: Path) -> Path:
    refinement, path = make_refinement(decoder), decoder_path(folder / "tiny", "layer1", REFINEMENT)
    save_decoder(refinement.network, refinement.card, path)
    return path


def save_refined(lab: Lab, folder: Path) -> Path:
    """Write a decoder of the tiny network's layer1 and its refinement; return where they are found."""
    card = replace(make_card(lab.trunk("layer1").fingerprint), config=DECODER)
    decoder = Decoder(make_random(DECODER), card)
    save_decoder(decoder.network, card, decoder_path(folder / "tiny", "layer1", "faithful"))
    save_refinement(decoder, folder)
    return folder


def save_likely(lab: Lab, folder: Path) -> Path:
    """Add a consistent decoder of layer1 to the decoders in a folder; return it."""
    card = replace(make_card(lab.trunk("layer1").fingerprint), config=DECODER, variant="consistent")
    network = make_random(DECODER)
    for parameter in network.parameters():
        parameter.data.mul_(0.5)
    save_decoder(network, card, decoder_path(folder / "tiny", "layer1", "consistent"))
    return folder
