"""Fit linear decoders of all residual blocks: ``python -m trainers.fit_blocks data.folder=DIR``.

One pass over the pictures serves all blocks. The experiment `depth` uses the file with the weights that it
was fitted to; other weights are fitted on the example pictures when they are first asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from tqdm import tqdm

from explorer.decoders.node_maps import BLOCKS_FILE, JointFit, save_maps
from explorer.features.backbone import load_backbone
from explorer.features.graph import trace
from explorer.features.layers import join_nodes
from explorer.features.nodes import list_blocks
from explorer.features.trunk import cut_trunk
from trainers.command import run_command
from trainers.config import DataConfig
from trainers.data.crops import Share
from trainers.data.folders import training_batches


@dataclass
class FitBlocksConfig:
    """What is fitted, on how many pictures, and where the file goes."""

    weights: str = "IMAGENET1K_V1"
    batches: int = 100
    batch_size: int = 8
    seed: int = 0
    threads: int | None = None
    out: str = str(BLOCKS_FILE)
    data: DataConfig = field(default_factory=lambda: DataConfig(source="folder"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit as the command line says, and return the exit status."""
    return run_command(FitBlocksConfig, fit_blocks, arguments)


def fit_blocks(config: FitBlocksConfig) -> None:
    """Fit every residual block's linear decoder, and write them into one file."""
    if config.threads:
        torch.set_num_threads(config.threads)
    network = load_backbone(config.weights).network
    traced, blocks = trace(network), list_blocks(network)
    trunk = cut_trunk(traced, join_nodes(blocks))
    fitting = JointFit(trunk)
    whole = Share(rank=0, processes=1, batch_size=config.batch_size)
    batches = islice(training_batches(config.data, whole, seed=config.seed), config.batches)
    for batch in tqdm(batches, "pictures", config.batches, disable=None):
        fitting.add(batch.images)
    maps = {block: fitting.solve(block) for block in tqdm(blocks, "blocks", disable=None)}
    pictures = f"{config.batches * config.batch_size} crops of {Path(config.data.folder).name}"
    save_maps(maps, Path(config.out), fingerprint=trunk.fingerprint, about=f"{config.weights}, {pictures}")


if __name__ == "__main__":
    raise SystemExit(main())
