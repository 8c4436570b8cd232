"""What a network learns: to decode features, or to refine the pictures of a decoder.

A task turns a batch into the network's input and the picture to reach, and says how the network is begun.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from explorer.decoders.checkpoint import REFINEMENT, DecoderCard, load_decoder, require_fit
from explorer.decoders.network import ARCHITECTURES, DecoderNetwork
from explorer.decoders.refinement import (
    DEFAULT_PASSES,
    correct,
    decode_and_refine,
    describe_refinement,
    fingerprint_decoder,
    load_refinement,
    require_decoder,
    stack_evidence,
)
from explorer.features.trunk import Trunk
from explorer.images import Images
from trainers.config import ConfigError, TrainConfig
from trainers.data.crops import Batch
from trainers.fitting.linear_head import start_from_regression, start_from_statistics

Maps = Float[Tensor, "batch channels rows columns"]


@dataclass(frozen=True, slots=True)
class Example:
    """What one step learns from: the network's input, the picture that it adds to (or 0), and the target."""

    inputs: Maps
    picture: Images | Float[Tensor, ""]
    target: Images


@runtime_checkable
class Task(Protocol):
    """One kind of training."""

    @property
    def refines(self) -> str | None:
        """The fingerprint of the decoder whose pictures are refined."""
        ...

    @property
    def start_card(self) -> DecoderCard | None:
        """The card of the file that this training goes on from, if it is of the same variant."""
        ...

    def build_network(self) -> DecoderNetwork:
        """Build the network to be trained."""
        ...

    def begin(self, network: DecoderNetwork, examples: Callable[[], Iterator[Example]]) -> None:
        """Give the network its first weights; ``examples`` is called once for every pass over the data."""
        ...

    def example(self, network: DecoderNetwork, trunk: Trunk, batch: Batch, step: int) -> Example:
        """Turn a batch into what the network learns from in this step."""
        ...

    def reconstruct(self, network: DecoderNetwork, trunk: Trunk, images: Images) -> Images:
        """Bring pictures back from their features as the trained file will, in [0, 1]."""
        ...


def choose_task(config: TrainConfig, trunk: Trunk) -> Task:
    """Tell by the variant what is to be learned.

    Raises:
        ConfigError: a refinement without the decoder to start from.
        DecoderError: the decoder to start from cannot be used.
    """
    return Refining(config, trunk) if config.variant == REFINEMENT else Decoding(config)


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


class Refining:
    """A decoder's picture to a better one, learned partly from what the network itself has corrected."""

    def __init__(self, config: TrainConfig, trunk: Trunk) -> None:
        if not config.start:
            raise ConfigError("variant=refinement needs start=…, the file of the decoder to be refined.")
        self.decoder = load_decoder(Path(config.start)).to(trunk.mean.device)
        require_fit(self.decoder, trunk, Path(config.start))
        self.refines = fingerprint_decoder(self.decoder.network)
        self.earlier = None
        if config.start_refinement:
            path = Path(config.start_refinement)
            self.earlier = load_refinement(path)
            require_decoder(self.earlier, self.decoder, path)
        self.start_card = self.earlier.card if self.earlier else None
        self.seed = config.seed
        self.passes = config.passes

    def build_network(self) -> DecoderNetwork:
        """Make the network whose weights are learned."""
        return DecoderNetwork(describe_refinement(self.decoder.card.config))

    def begin(self, network: DecoderNetwork, examples: Callable[[], Iterator[Example]]) -> None:
        """Take an earlier refinement's weights, or fit the linear head to what the decoder's pictures lack.

        Blocks that the earlier one lacks start as the identity, so that they change nothing at first.
        """
        if self.earlier is not None:
            take_weights(network, self.earlier.network)
            return
        start_from_regression(
            network, lambda: ((example.inputs, example.target - example.picture) for example in examples())
        )

    @torch.no_grad()
    def example(self, network: DecoderNetwork, trunk: Trunk, batch: Batch, step: int) -> Example:
        """Return what a refinement sees of a picture that may have been refined before."""
        target = trunk(batch.images)
        features = target[trunk.nodes[0]].float()
        picture = self._picture(network, trunk, target, self._passes_before(step))
        reached = trunk(picture)[trunk.nodes[0]].float()
        return Example(stack_evidence(features, reached, picture), picture, batch.images)

    @torch.no_grad()
    def reconstruct(self, network: DecoderNetwork, trunk: Trunk, images: Images) -> Images:
        """Decode the features of pictures, and refine as often as the lab does."""
        return self._picture(network, trunk, trunk(images), DEFAULT_PASSES)

    def _passes_before(self, step: int) -> int:
        """Draw how often the picture has been refined already: never in half of the steps."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        if torch.rand((), generator=generator) < 0.5:
            return 0
        return int(torch.randint(self.passes, (), generator=generator))

    def _picture(self, network: DecoderNetwork, trunk: Trunk, target: dict[str, Maps], passes: int) -> Images:
        if not passes:
            return self.decoder(target)
        *_, images = decode_and_refine(self.decoder, partial(correct, network), trunk, target, passes)
        return images


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


def take_weights(network: DecoderNetwork, smaller: DecoderNetwork) -> None:
    """Copy the weights of a network that may lack some of this one's blocks.

    Raises:
        ConfigError: it has other widths, or parts that this one lacks.
    """
    try:
        network.load_state_dict({**network.state_dict(), **smaller.state_dict()})
    except RuntimeError as error:
        raise ConfigError(
            f"The network to train on has widths {smaller.config.widths} and blocks {smaller.config.blocks}; "
            f"this one has {network.config.widths} and {network.config.blocks}. Only blocks may be added."
        ) from error


def _reduce(images: Images, factor: int) -> Float[Tensor, "batch 3 rows columns"]:
    """Reduce pictures to the size that an enlarging network draws, antialiased."""
    if factor == 1:
        return images
    size = (images.shape[-2] // factor, images.shape[-1] // factor)
    return interpolate(images, size=size, mode="bicubic", antialias=True)
