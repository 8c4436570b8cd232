"""Fit what edits of a picture do to features: ``python -m trainers.fit_edits data.folder=DIR``.

One pass over the pictures serves all layers and edits. The experiment `matrix_edit` uses the file with the
weights that it was fitted to; other weights are fitted on the example pictures when they are first asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from tqdm import tqdm

from explorer.experiments.edit_maps import EDITS_FILE, EditFit, save_maps
from explorer.experiments.linear_edit import EDITS
from explorer.features.backbone import load_backbone
from explorer.features.graph import trace
from explorer.features.layers import join_nodes
from explorer.features.trunk import cut_trunk
from trainers.command import run_command
from trainers.config import DataConfig
from trainers.data.crops import Share
from trainers.data.folders import training_batches


@dataclass
class FitEditsConfig:
    """What is fitted, at which ranks, on how many pictures, and where the file goes."""

    weights: str = "IMAGENET1K_V1"
    batches: int = 50
    batch_size: int = 8
    seed: int = 0
    threads: int | None = None
    out: str = str(EDITS_FILE)
    # All together one megabyte, in which layer4's 2,048 channels have no room.
    ranks: dict[str, int] = field(default_factory=lambda: {"layer1": 64, "layer2": 64, "layer3": 64})
    data: DataConfig = field(default_factory=lambda: DataConfig(source="folder"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit as the command line says, and return the exit status."""
    return run_command(FitEditsConfig, fit_edits, arguments)


def fit_edits(config: FitEditsConfig) -> None:
    """Fit every edit's map at every layer that has a rank, and write them into one file."""
    if config.threads:
        torch.set_num_threads(config.threads)
    traced = trace(load_backbone(config.weights).network)
    layers, edits = tuple(config.ranks), [name for name in EDITS if name != "identity"]
    trunk = cut_trunk(traced, join_nodes(layers))
    fits = {layer: EditFit(edits) for layer in layers}
    whole = Share(rank=0, processes=1, batch_size=config.batch_size)
    batches = islice(training_batches(config.data, whole, seed=config.seed), config.batches)
    for batch in tqdm(batches, "pictures", config.batches, disable=None):
        features = trunk(batch.images)
        edited = {edit: trunk(EDITS[edit][1](batch.images)) for edit in edits}
        for layer, fit in fits.items():
            fit.add(features[layer], {edit: maps[layer] for edit, maps in edited.items()})
    solved = {layer: fits[layer].solve(rank) for layer, rank in config.ranks.items()}
    maps = {(layer, edit): one for layer, found in solved.items() for edit, one in found.items()}
    pictures = f"{config.batches * config.batch_size} crops of {Path(config.data.folder).name}"
    prints = {layer: cut_trunk(traced, layer).fingerprint for layer in layers}
    save_maps(maps, Path(config.out), fingerprints=prints, about=f"{config.weights}, {pictures}")


if __name__ == "__main__":
    raise SystemExit(main())
