"""The training of a decoder: from features to their picture."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from explorer.decoders.architecture import ARCHITECTURES
from explorer.decoders.checkpoint import load_decoder
from explorer.decoders.network import DecoderNetwork
from explorer.features.trunk import Trunk
from explorer.images import Images
from trainers.config import ConfigError, TrainConfig
from trainers.data.crops import Batch
from trainers.fitting.example import Example
from trainers.fitting.linear_head import start_from_regression, start_from_statistics


class Decoding:
    """Features to their picture, from another decoder's weights or from a closed form."""

    refines: str | None = None

    def __init__(self, config: TrainConfig) -> None:
        self.decoder = load_decoder(Path(config.start)) if config.start else None
        card = self.decoder.card if self.decoder else None
        self.start_card = card if card and card.variant == config.variant else None
        self.branch = load_decoder(Path(config.start_branch)) if config.start_branch else None
        self.shape = ARCHITECTURES[config.layer] if self.decoder is None else self.decoder.card.config

    def build_network(self) -> DecoderNetwork:
        """Make the network whose weights are learned."""
        return DecoderNetwork(self.shape)

    def begin(self, network: DecoderNetwork, examples: Callable[[], Iterator[Example]]) -> None:
        """Take the other decoder's weights, or fit the linear head or the standardisation."""
        if self.decoder is not None:
            network.load_state_dict(self.decoder.network.state_dict())
        else:
            begin = start_from_regression if network.config.linear_rank else start_from_statistics
            begin(network, lambda: ((example.inputs, example.target) for example in examples()))
        if self.branch is not None:
            take_branch(network, self.branch.network)

    @torch.no_grad()
    def example(self, network: DecoderNetwork, trunk: Trunk, batch: Batch, step: int) -> Example:  # noqa: ARG002 - as Refining
        """Return the features, computed or cached, and their pictures."""
        if batch.features is not None:
            return Example(batch.features, torch.zeros(()), batch.images)
        features = trunk(batch.images)[trunk.nodes[0]].float()
        return Example(features, torch.zeros(()), _reduce(batch.images, network.config.enlargement))

    @torch.no_grad()
    def reconstruct(self, network: DecoderNetwork, trunk: Trunk, images: Images) -> Images:
        """Decode the features of pictures."""
        return network(trunk(images)[trunk.nodes[0]]).clamp(0, 1)


def take_branch(network: DecoderNetwork, other: DecoderNetwork) -> None:
    """Copy the parts of another decoder's branch that have the same names and shapes; the head stays.

    Raises:
        ConfigError: there is no such part.
    """
    own = network.state_dict()
    fitting = {
        name: tensor
        for name, tensor in other.state_dict().items()
        if name.startswith(("stem.", "scales.")) and name in own and own[name].shape == tensor.shape
    }
    if not fitting:
        raise ConfigError(
            f"No part of the branch of start_branch fits: it has widths {other.config.widths}, "
            f"this network {network.config.widths}."
        )
    network.load_state_dict({**own, **fitting})


def _reduce(images: Images, factor: int) -> Float[Tensor, "batch 3 rows columns"]:
    """Reduce pictures to the size that an enlarging network draws, antialiased."""
    if factor == 1:
        return images
    size = (images.shape[-2] // factor, images.shape[-1] // factor)
    return interpolate(images, size=size, mode="bicubic", antialias=True)
