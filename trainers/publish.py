"""Ship trained decoders: write measured figures into their cards and put them among the checkpoints.

``python -m trainers.publish runs=… table=runs/evaluation/table.json pictures=FOLDER``
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from explorer.decoders.checkpoint import (
    CHECKPOINTS,
    FAITHFUL,
    REFINEMENT,
    decoder_path,
    load_decoder,
    load_network,
    read_card,
    require_fit,
    save_decoder,
)
from explorer.decoders.refinement import RefinedDecoder, load_refinement, require_decoder
from explorer.features.backbone import load_backbone
from explorer.features.layers import LAYERS
from explorer.features.trunk import Trunk, build_trunk
from explorer.images import SIZE, Images
from explorer.lab.methods import METHODS, OnePass
from explorer.metrics.scores import METRICS
from trainers.command import run_command
from trainers.config import ConfigError
from trainers.fitting.validation import validation_images, validation_psnr

CHECKED_PICTURES = 16  # A test repeats the PSNR of these.
CHECKED_FIGURE = f"psnr_db_first_{CHECKED_PICTURES}"


@dataclass
class PublishConfig:
    """Which runs are shipped, and what is said of them."""

    runs: str = "runs"
    pictures: str = ""  # The folder whose first pictures a test repeats.
    table: str | None = None  # An evaluation's table.json; its decoder rows go into the cards.
    weights: str = "IMAGENET1K_V1"
    layers: list[str] = field(default_factory=lambda: list(LAYERS))
    variant: str = FAITHFUL
    digests: dict[str, str] = field(default_factory=dict)  # Weight files to carry over to, and why.
    data: str | None = None  # Says what the pictures were, in place of the run's own short words.
    licence: str | None = None  # None keeps that of the file that is replaced, or else the run's.
    out: str = str(CHECKPOINTS / "resnet50-v1")

    def __post_init__(self) -> None:
        if not self.pictures:
            raise ConfigError("pictures is empty; name the folder of pictures to check the decoders on.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish as the command line says, and return the exit status."""
    return run_command(PublishConfig, publish, arguments)


def publish(config: PublishConfig) -> None:
    """Measure each layer's decoder as it will be read, in half precision, and write it with its figures."""
    backbone = load_backbone(config.weights).network
    images = validation_images(config.pictures, CHECKED_PICTURES, SIZE)
    for layer in config.layers:
        source = decoder_path(Path(config.runs) / f"{layer}-{config.variant}", layer, config.variant)
        network, card = load_network(source)
        reconstruct = prepare_reconstruction(source, build_trunk(backbone, layer), Path(config.out))
        figures = {CHECKED_FIGURE: validation_psnr(reconstruct, images)} | _table_figures(config, layer)
        path = decoder_path(Path(config.out), layer, config.variant)
        before = read_card(path) if path.exists() else card
        card = replace(
            card,
            figures=figures,
            digests=dict(config.digests),
            data=config.data or card.data,
            licence=config.licence or before.licence,
        )
        save_decoder(network, card, path)
        print(f"{path}: {figures}")


def prepare_reconstruction(path: Path, trunk: Trunk, folder: Path) -> Callable[[Images], Images]:
    """Load a file as the lab will use it: a refinement corrects the faithful decoder of its folder.

    Raises:
        DecoderError: a file cannot be used, or a refinement corrects another decoder.
    """
    card = read_card(path)
    if card.variant != REFINEMENT:
        decoder = load_decoder(path)
        require_fit(decoder, trunk, path)
        return lambda images: decoder(trunk(images))
    corrected = load_decoder(decoder_path(folder, card.config.layer, FAITHFUL))
    require_fit(corrected, trunk, path)
    refinement = load_refinement(path)
    require_decoder(refinement, corrected, path)

    refined = RefinedDecoder(corrected, refinement, trunk)
    return lambda images: refined(trunk(images))


def _table_figures(config: PublishConfig, layer: str) -> dict[str, Any]:
    """Read the decoder's means, and over how many pictures, from an evaluation."""
    if config.table is None:
        return {}
    cells: list[Mapping[str, Any]] = json.loads(Path(config.table).read_text(encoding="utf-8"))["cells"]
    made_by = {method.variant: name for name, method in METHODS.items() if isinstance(method, OnePass)}
    method = made_by[config.variant]
    rows = [cell for cell in cells if (cell["layer"], cell["method"]) == (layer, method)]
    figures = {cell["figure"]: cell["mean"] for cell in rows if cell["figure"] in METRICS}
    return figures | {"pictures": max((cell["pictures"] for cell in rows), default=0)}


if __name__ == "__main__":
    raise SystemExit(main())
