"""The card of a decoder that was made here."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from explorer import __version__
from explorer.decoders.checkpoint import DecoderCard
from explorer.decoders.network import DecoderNetwork
from explorer.features.trunk import Trunk
from trainers.config import DataConfig, TrainConfig

LICENCE = "MIT"


def make_card(
    config: TrainConfig,
    network: DecoderNetwork,
    trunks: Sequence[Trunk],
    *,
    steps: int,
    pictures: int,
    figures: Mapping[str, float],
    refines: str | None = None,
    start: DecoderCard | None = None,
) -> DecoderCard:
    """Describe a network by its configuration, the trunks it was trained on, and what it has seen.

    Steps and pictures of the file that it was trained on from, its ``start``, count too.
    ``refines`` is the fingerprint of the decoder whose pictures it corrects, if it is a refinement.
    """
    weights = [Path(name).name for name in config.weights[: len(trunks)]]
    return DecoderCard(
        config=network.config,
        variant=config.variant,
        backbone="resnet50",
        fingerprints={trunk.fingerprint: name for trunk, name in zip(trunks, weights, strict=True)},
        data=_describe(config.data),
        steps=steps + (0 if start is None else start.steps),
        pictures=pictures + (0 if start is None else start.pictures),
        code_version=__version__,
        licence=LICENCE,
        figures=figures,
        refines=refines,
        passes=None if refines is None else config.passes,
    )


def _describe(config: DataConfig) -> str:
    """Say in a few words where the pictures came from."""
    if config.source == "hf":
        return f"{config.dataset}, {config.split}"
    names = [Path(folder).name for folder in config.folder.split(os.pathsep)]
    return f"{config.source} {' and '.join(names)}"
