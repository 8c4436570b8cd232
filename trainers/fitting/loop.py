"""One decoder's training: a loop that yields its steps, and the state it can be resumed from."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, gather_object, set_seed
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from explorer.decoders.network import DecoderNetwork
from explorer.features.trunk import Trunk
from explorer.images import Images
from trainers.config import ConfigError, TrainConfig
from trainers.data.crops import SEED_STRIDE, Batch, Share
from trainers.fitting.example import Example
from trainers.fitting.losses import ReconstructionLoss
from trainers.fitting.optimisers import Plateau, build_optimisers, build_schedule
from trainers.fitting.source import Source
from trainers.fitting.tasks import choose_task
from trainers.fitting.trunks import build_encoders, build_trained_trunk

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """One finished step: the loss terms of this process's batch, and what the step has seen."""

    step: int
    losses: dict[str, float]
    learning_rate: float
    broken: tuple[str, ...]


class Training:
    """Everything one run changes: network, average, optimisers, schedules and its place in the data."""

    def __init__(self, config: TrainConfig, accelerator: Accelerator) -> None:
        self.config = config
        self.accelerator = accelerator
        self.share = _share(config, accelerator)
        self.source = Source(config, self.share)
        dtype = torch.bfloat16 if config.uses_bf16 else torch.float32
        self.trunks = [
            build_trained_trunk(weights, config.layer).cast(dtype).to(accelerator.device)
            for weights in config.weights
        ]
        self.task = choose_task(config, self.trunks[0])
        self.loss = ReconstructionLoss(config.loss, build_encoders(config)).to(accelerator.device)
        set_seed(config.seed)
        network = self.task.build_network().to(accelerator.device)
        freeze(network, config.frozen)
        self.network = network
        self.averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(config.optimiser.ema_decay))
        self.plateau = Plateau(config.optimiser.patience, config.optimiser.min_gain_db)
        self.optimisers: list[Optimizer] = build_optimisers(network, config.optimiser, dtype)
        self.schedules: list[LambdaLR] = [
            build_schedule(optimiser, config.optimiser, config.steps, self.plateau)
            for optimiser in self.optimisers
        ]
        self.model = accelerator.prepare(network)
        self.step = 0
        self.position: dict[str, Any] | None = None

    @property
    def average(self) -> DecoderNetwork:
        """The exponential moving average of the weights: the network that is validated and shipped."""
        assert isinstance(self.averaged.module, DecoderNetwork)
        return self.averaged.module

    def observe(self, psnr_db: float) -> None:
        """Let the schedule see a validation's figure; every process must be told the same."""
        self.plateau.observe(psnr_db)

    @property
    def is_flat(self) -> bool:
        """Whether the plateau schedule has come to its end."""
        return self.plateau.share <= self.config.optimiser.final_fraction

    def start(self) -> None:
        """Begin afresh: from another decoder's weights, or from a closed form."""
        batches = list(self.source.first_batches())
        self.task.begin(self.network, lambda: (self._example(self.trunks[0], batch) for batch in batches))
        for tensor in self.network.state_dict().values():
            tensor.copy_(broadcast(tensor))  # Processes with equal data may still round differently.
        self.average.load_state_dict(self.network.state_dict())

    def fill_cache(self) -> Iterator[int]:
        """Write what is missing of the configured cache, and yield the number of each new batch."""
        return self.source.fill_cache(self.task, self.network, self.trunks)

    def batches(self) -> Iterator[Batch]:
        """Yield this process's batches from the current step on."""
        return self.source.batches(self.step, self.position)

    def run(self) -> Iterator[Progress]:
        """Train up to the configured number of steps."""
        for batch in islice(self.batches(), self.config.steps - self.step):
            losses = self._train_on(batch)
            self.step += 1
            self.position = batch.position
            yield Progress(self.step, losses, float(self.schedules[0].get_last_lr()[0]), batch.broken)

    def state(self) -> dict[str, Any]:
        """Gather all that a resumed run needs; every process must call this."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.averaged.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "plateau": asdict(self.plateau),
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "positions": gather_object([self.position]),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        if len(state["positions"]) != self.share.processes and any(state["positions"]):
            raise ConfigError(
                f"This streamed run was saved by {len(state['positions'])} processes; "
                f"resume it with as many, not {self.share.processes}."
            )
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["average"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        for schedule, saved in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(saved)
        self.plateau.__dict__.update(state["plateau"])
        self.position = (state["positions"] * self.share.processes)[self.share.rank]

    def reconstruct(self, images: Images) -> Images:
        """Bring pictures back from the first trunk's features by the averaged network."""
        return self.task.reconstruct(self.average, self.trunks[0], images)

    def _example(self, trunk: Trunk, batch: Batch) -> Example:
        with self.accelerator.autocast():
            return self.task.example(self.network, trunk, batch.to(self.accelerator.device), self.step)

    def _random(self) -> torch.Generator:
        """Seed this step's random choices, the same after a resume."""
        return torch.Generator().manual_seed(self.config.seed * SEED_STRIDE + self.step)

    def _train_on(self, batch: Batch) -> dict[str, float]:
        example = self._example(self.trunks[self.step % len(self.trunks)], batch)
        images = self.model(example.inputs, is_enlarged=False).float() + example.picture
        with self.accelerator.autocast():
            terms = self.loss(images, example.target, self._random())
        self.network.zero_grad(set_to_none=True)
        self.accelerator.backward(torch.stack(list(terms.values())).sum())
        self.accelerator.clip_grad_norm_(self.network.parameters(), self.config.optimiser.clip_norm)
        for part in [*self.optimisers, *self.schedules]:
            part.step()
        self.averaged.update_parameters(self.network)
        return {name: term.item() for name, term in terms.items()}


def freeze(network: DecoderNetwork, parts: Sequence[str]) -> None:
    """Keep the first weights of some parts, by the beginnings of their parameters' names.

    Raises:
        ConfigError: a name that no part has.
    """
    for part in parts:
        kept = [
            parameter for name, parameter in network.named_parameters() if f"{name}.".startswith(f"{part}.")
        ]
        if not kept:
            names = ", ".join(name for name, _ in network.named_children())
            raise ConfigError(f"frozen names '{part}', which this network lacks; its parts are {names}.")
        for parameter in kept:
            parameter.requires_grad_(False)


def _share(config: TrainConfig, accelerator: Accelerator) -> Share:
    processes = accelerator.num_processes
    if config.batch_size % processes:
        raise ConfigError(f"batch_size {config.batch_size} does not divide among {processes} processes.")
    return Share(accelerator.process_index, processes, config.batch_size // processes)
