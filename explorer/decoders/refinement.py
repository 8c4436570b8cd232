"""Refinement: look again at a decoder's picture, and correct what its own features show to be wrong.

The picture x of a decoder D is pushed through the trunk F once more. A second network R sees the target t,
what the picture's features still miss, and the picture: x <- x + R(t, t - F(x), x), once for every pass.
R corrects one decoder only; its file names that decoder by the fingerprint of its weights.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from explorer.decoders.architecture import IMAGE_CHANNELS, DecoderConfig
from explorer.decoders.checkpoint import (
    CHECKPOINTS,
    REFINEMENT,
    Decoder,
    DecoderCard,
    DecoderError,
    load_network,
    read_card,
)
from explorer.decoders.network import DecoderNetwork
from explorer.features.trunk import FINGERPRINT_LENGTH, Trunk
from explorer.images import Images

DEFAULT_PASSES = 2  # The second still gains; each costs a pass of the trunk and one of the network.

Maps = Float[Tensor, "batch channels rows columns"]
Evidence = Float[Tensor, "batch evidence rows columns"]

# Widths, residual blocks and rank of the linear head; each layer's other figures follow from its decoder.
REFINEMENT_SHAPES: Mapping[str, tuple[tuple[int, ...], tuple[int, ...], int]] = {
    "layer1": ((96, 48, 16), (6, 1, 0), 48),
    "layer2": ((160, 96, 48, 16), (3, 2, 1, 0), 192),
}


class Refinement(nn.Module):
    """One trained correction: a picture and the features that it reaches, to a better picture."""

    def __init__(self, network: DecoderNetwork, card: DecoderCard) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self.card = card

    def forward(self, target: Maps, reached: Maps, images: Images) -> Images:
        """Correct images in [0, 1] whose features are ``reached`` instead of ``target``."""
        return correct(self.network, target, reached, images)


class RefinedDecoder(nn.Module):
    """A decoder that looks again: features by node name to images in [0, 1], after so many passes."""

    def __init__(
        self, decoder: Decoder, refinement: Refinement, trunk: Trunk, passes: int = DEFAULT_PASSES
    ) -> None:
        super().__init__()
        self.decoder = decoder
        self.refinement = refinement
        self.trunk = trunk
        self.passes = passes

    def forward(self, features: Mapping[str, Maps]) -> Images:
        """Decode the entry of this decoder's layer and refine its picture."""
        *_, last = self.watch(features)
        return last

    def watch(self, features: Mapping[str, Maps]) -> Iterator[Images]:
        """Yield the decoder's picture, then the corrected picture after each pass."""
        return decode_and_refine(self.decoder, self.refinement, self.trunk, features, self.passes)


def correct(network: DecoderNetwork, target: Maps, reached: Maps, images: Images) -> Images:
    """Add to images in [0, 1] what a network finds missing in them; the result is clamped to [0, 1] too."""
    return (images + network(stack_evidence(target, reached, images))).clamp(0, 1)


def stack_evidence(target: Maps, reached: Maps, images: Images) -> Evidence:
    """Join what a refinement sees at the features' resolution: target, what is missing, and the pixels."""
    pixels = functional.pixel_unshuffle(images, images.shape[-1] // target.shape[-1])
    return torch.cat([target, target - reached, pixels], dim=1)


def describe_refinement(decoder: DecoderConfig) -> DecoderConfig:
    """Give the shape of the refinement network of a decoder.

    Raises:
        DecoderError: this layer's pictures are not refined.
    """
    if decoder.layer not in REFINEMENT_SHAPES:
        known = ", ".join(REFINEMENT_SHAPES)
        raise DecoderError(f"There is no refinement for {decoder.layer}, only for {known}.")
    widths, blocks, rank = REFINEMENT_SHAPES[decoder.layer]
    channels = 2 * decoder.in_channels + IMAGE_CHANNELS * decoder.stride**2
    return DecoderConfig(decoder.layer, channels, widths, blocks, rank)


def decode_and_refine(
    decoder: nn.Module,
    correction: Callable[[Maps, Maps, Images], Images],
    trunk: Trunk,
    target: Mapping[str, Maps],
    passes: int,
) -> Iterator[Images]:
    """Yield the decoder's picture, then the corrected picture after each pass, all in [0, 1].

    The correction is a `Refinement`; it takes the target, the features reached, and their picture.

    Raises:
        DecoderError: there is less than one pass.
    """
    if passes < 1:
        raise DecoderError(f"{passes} passes refine nothing; ask for at least 1.")
    with torch.no_grad():
        images = decoder(target)
    yield images
    for _ in range(passes):
        with torch.no_grad():
            images = _look_again(correction, trunk, target, images)
        yield images


def fingerprint_decoder(network: DecoderNetwork) -> str:
    """Hash a decoder's weights as its file keeps them, in half precision."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().half().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:FINGERPRINT_LENGTH]


def find_refinement(decoder: Decoder, folder: Path = CHECKPOINTS) -> Refinement | None:
    """Load the refinement of a decoder from any backbone's folder, or None if its layer has none.

    Raises:
        DecoderError: a file for this layer cannot be read, or the one for its trunk corrects another decoder.
    """
    for path in sorted(folder.glob(f"*/{decoder.card.config.layer}-{REFINEMENT}.safetensors")):
        if set(read_card(path).fingerprints) & set(decoder.card.fingerprints):
            refinement = load_refinement(path)
            require_decoder(refinement, decoder, path)
            return refinement
    return None


def load_refinement(path: Path) -> Refinement:
    """Read a refinement file, whatever decoder it corrects.

    Raises:
        DecoderError: the file is missing or damaged, or holds a decoder that decodes by itself.
    """
    network, card = load_network(path)
    if card.variant != REFINEMENT:
        raise DecoderError(f"{path} holds a {card.variant} decoder, not a refinement of one.")
    return Refinement(network, card)


def require_decoder(refinement: Refinement, decoder: Decoder, path: Path) -> None:
    """Check that a refinement was trained on the pictures of this decoder.

    Raises:
        DecoderError: it corrects another one.
    """
    found = fingerprint_decoder(decoder.network)
    if refinement.card.refines != found:
        layer = refinement.card.config.layer
        raise DecoderError(
            f"{path} corrects the decoder {refinement.card.refines} of {layer}; "
            f"this decoder is {found} of {decoder.card.config.layer}. Train the refinement again with start=…"
        )


def _look_again(
    correction: Callable[[Maps, Maps, Images], Images],
    trunk: Trunk,
    target: Mapping[str, Maps],
    images: Images,
) -> Images:
    (layer,) = trunk.nodes
    reached = trunk(images)[layer].to(target[layer].dtype)
    return correction(target[layer], reached, images)
