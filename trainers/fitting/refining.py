"""The training of a refinement: from a decoder's picture to a better one."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from explorer.decoders.checkpoint import load_decoder, require_fit
from explorer.decoders.network import DecoderNetwork
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
from trainers.fitting.example import Example, Maps
from trainers.fitting.linear_head import start_from_regression


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
