"""Where a training's batches come from: pictures, or features that a cache keeps."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.decoders.network import DecoderNetwork
from explorer.features.trunk import Trunk
from trainers.config import TrainConfig, as_dict
from trainers.data.cache import cached_batches, fill_cache
from trainers.data.crops import Batch, Share
from trainers.data.folders import training_batches
from trainers.fitting.tasks import Task


class Source:
    """One process's batches, and the first ones that every process begins with."""

    def __init__(self, config: TrainConfig, share: Share) -> None:
        self.config = config
        self.share = share
        self.whole = Share(rank=0, processes=1, batch_size=config.batch_size)

    def batches(self, first_step: int, position: dict[str, Any] | None) -> Iterator[Batch]:
        """Yield this process's batches from a step on, without end; a stream's position is in its batches."""
        return self._open(self.share, first_step, position)

    def first_batches(self) -> Iterator[Batch]:
        """Yield the first whole batches, the same in every process."""
        return islice(self._open(self.whole, 0, None), self.config.linear_batches)

    def fill_cache(self, task: Task, network: DecoderNetwork, trunks: Sequence[Trunk]) -> Iterator[int]:
        """Write what is missing of the configured cache, and yield the number of each new batch.

        Raises:
            ConfigError: the folder holds features of another recipe.
        """

        def compute(first: int) -> Iterator[tuple[Tensor, Tensor]]:
            for step, batch in enumerate(self._pictures(first), first):
                trunk = trunks[step % len(trunks)]
                example = task.example(network, trunk, batch.to(trunk.mean.device), step)
                yield example.inputs.cpu(), example.target.cpu()

        recipe = {
            "trunks": [trunk.fingerprint for trunk in trunks],
            "data": as_dict(self.config.data),
            "seed": self.config.seed,
            "batch_size": self.config.batch_size,
            "enlargement": network.config.enlargement,
        }
        return fill_cache(Path(self.config.cache), recipe, self.config.cache_batches, compute)

    def _pictures(self, first: int) -> Iterator[Batch]:
        """Yield whole batches of pictures from this one on."""
        config = self.config
        if config.data.source == "hf":  # A stream cannot be entered by number.
            return islice(training_batches(config.data, self.whole, seed=config.seed), first, None)
        return training_batches(config.data, self.whole, seed=config.seed, first_step=first)

    def _open(self, share: Share, first_step: int, position: dict[str, Any] | None) -> Iterator[Batch]:
        config = self.config
        if config.cache:
            return cached_batches(Path(config.cache), share, seed=config.seed, first_step=first_step)
        return training_batches(
            config.data, share, seed=config.seed, first_step=first_step, position=position
        )
