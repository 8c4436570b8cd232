"""Decoder files: weights in safetensors, with a card in the header that says what they fit and how well.

A decoder runs only on a trunk whose fingerprint, or on a weight file whose digest, its card names.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from explorer.decoders.architecture import DecoderConfig
from explorer.decoders.network import DecoderNetwork
from explorer.decoders.packing import pack, unpack
from explorer.errors import ExplorerError
from explorer.features.layers import join_nodes
from explorer.features.trunk import Trunk
from explorer.files import replacing
from explorer.images import Images

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"
FAITHFUL = "faithful"
LINEAR = "linear"  # Fitted in closed form, not trained.
REFINEMENT = "refinement"  # Corrects a faithful decoder's picture, and decodes nothing by itself.
CONSISTENT = "consistent"  # Trained on, so that a network sees in the picture what it sees in the original.
CARD_KEY = "card"
FORMAT_VERSION = 2
READ_VERSIONS = (1, 2)  # The first knew half precision alone.
EIGHT_BIT_LAYERS = ("layer3", "layer4")  # Shallower decoders would lose a tenth of a decibel and more.


class DecoderError(ExplorerError):
    """A decoder file that cannot be used; the message names the file, the expected and the found."""


@dataclass(frozen=True, slots=True)
class DecoderCard:
    """What a decoder file says of itself.

    ``fingerprints`` maps each trunk it was trained on to the name of that trunk's weights; ``digests`` maps
    weight files that it should carry over to, by the start of their SHA-256, to the reason. A refinement
    ``refines`` the decoder whose weights have this fingerprint, and was trained for ``passes`` passes.
    """

    config: DecoderConfig
    variant: str
    backbone: str
    fingerprints: Mapping[str, str]
    data: str
    steps: int
    pictures: int
    code_version: str
    licence: str
    figures: Mapping[str, float] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    refines: str | None = None
    passes: int | None = None
    format_version: int = FORMAT_VERSION

    def fits(self, trunk: Trunk, digest: str | None = None) -> bool:
        """Tell whether this decoder knows the trunk, or the weight file that it was cut from."""
        return trunk.fingerprint in self.fingerprints or (digest is not None and digest in self.digests)


class Decoder(nn.Module):
    """A trained decoder: features by node name to images in [0, 1]."""

    def __init__(self, network: DecoderNetwork, card: DecoderCard) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self.card = card

    def forward(self, features: Mapping[str, Float[Tensor, "batch channels rows columns"]]) -> Images:
        """Decode the entry of this decoder's layer."""
        return self.network(features[self.card.config.layer]).clamp(0, 1)


def decoder_path(folder: Path, layer: str, variant: str) -> Path:
    """Name the file of one decoder."""
    return folder / f"{layer}-{variant}.safetensors"


def save_decoder(network: DecoderNetwork, card: DecoderCard, path: Path) -> None:
    """Write weights and the card, replacing the file in one step; the file has the newest format."""
    card = replace(card, format_version=FORMAT_VERSION)
    state = pack(network.state_dict(), eight_bits=card.config.layer in EIGHT_BIT_LAYERS)
    with replacing(path) as partial:
        save_file(state, partial, metadata={CARD_KEY: json.dumps(asdict(card))})


def shrink_decoder(decoder: Decoder) -> Decoder:
    """Return the decoder that saving it now and loading it again would give.

    One whose file is of the first format has weights of half precision; at EIGHT_BIT_LAYERS they then fit in
    eight bits.
    """
    card = decoder.card
    network = DecoderNetwork(card.config)
    packed = pack(decoder.network.state_dict(), eight_bits=card.config.layer in EIGHT_BIT_LAYERS)
    network.load_state_dict(unpack(packed))
    return Decoder(network, card)


def load_decoder(path: Path) -> Decoder:
    """Read a decoder file, whatever trunk it fits.

    Raises:
        DecoderError: the file is missing, truncated, not safetensors, does not hold what its card says, or
            holds a refinement.
    """
    network, card = load_network(path)
    if card.variant == REFINEMENT:
        raise DecoderError(f"{path} refines the picture of a decoder; it cannot decode by itself.")
    return Decoder(network, card)


def load_network(path: Path) -> tuple[DecoderNetwork, DecoderCard]:
    """Read the network of a decoder file or of a refinement file, with its card.

    Raises:
        DecoderError: the file is missing, truncated, not safetensors, or does not hold what its card says.
    """
    card = read_card(path)
    network = DecoderNetwork(card.config)
    try:
        network.load_state_dict(unpack(load_file(path)))
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise DecoderError(f"{path} does not hold the weights that its card describes: {error}") from error
    return network, card


def read_card(path: Path) -> DecoderCard:
    """Read only the header of a decoder file.

    Raises:
        DecoderError: the file is missing, truncated, not safetensors, or has no card of this version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise DecoderError(f"{path} is not a readable safetensors file ({error}).") from error
    try:
        return _parse_card(json.loads(metadata[CARD_KEY]))
    except (KeyError, TypeError, ValueError) as error:
        raise DecoderError(
            f"{path} needs a decoder card of version {' or '.join(map(str, READ_VERSIONS))} in its header; "
            f"found {sorted(metadata) or 'no metadata'} ({error!r})."
        ) from error


def find_decoder(
    trunk: Trunk, variant: str = FAITHFUL, folder: Path = CHECKPOINTS, *, digest: str | None = None
) -> Decoder | None:
    """Load the decoder of a trunk's layer from any backbone's folder, or None if none fits the trunk.

    ``digest`` is the weight file's, for decoders that carry over to it.

    Raises:
        DecoderError: a file for this layer cannot be read.
    """
    for path in sorted(folder.glob(f"*/{join_nodes(trunk.nodes)}-{variant}.safetensors")):
        if read_card(path).fits(trunk, digest):
            return load_decoder(path)
    return None


def require_fit(decoder: Decoder, trunk: Trunk, path: Path, digest: str | None = None) -> None:
    """Check that a decoder that the user named fits a trunk.

    Raises:
        DecoderError: it was made for another layer or for other weights.
    """
    if decoder.card.config.layer not in trunk.nodes or not decoder.card.fits(trunk, digest):
        known = ", ".join(f"{name} {fingerprint}" for fingerprint, name in decoder.card.fingerprints.items())
        raise DecoderError(
            f"{path} decodes {decoder.card.config.layer} of {known}; "
            f"this trunk is {join_nodes(trunk.nodes)} with fingerprint {trunk.fingerprint}."
        )


def _parse_card(plain: dict[str, Any]) -> DecoderCard:
    if plain["format_version"] not in READ_VERSIONS:
        raise ValueError(f"card version {plain['format_version']}")
    config = plain.pop("config")
    config["widths"], config["blocks"] = tuple(config["widths"]), tuple(config["blocks"])
    return DecoderCard(config=DecoderConfig(**config), **plain)
