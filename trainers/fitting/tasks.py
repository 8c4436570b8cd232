"""What a network learns: to decode features, or to refine the pictures of a decoder.

A task turns a batch into the network's input and the picture to reach, and says how the network is begun.
"""

from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from explorer.decoders.checkpoint import REFINEMENT, DecoderCard
from explorer.decoders.network import DecoderNetwork
from explorer.features.trunk import Trunk
from explorer.images import Images
from trainers.config import TrainConfig
from trainers.data.crops import Batch
from trainers.fitting.decoding import Decoding
from trainers.fitting.example import Example
from trainers.fitting.refining import Refining


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
