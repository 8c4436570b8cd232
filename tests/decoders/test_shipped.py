"""The shipped decoders: small, honest about themselves, and as good as they say."""

from pathlib import Path

import pytest
import torch

from explorer.decoders.checkpoint import (
    CHECKPOINTS,
    LINEAR,
    VARIANTS,
    load_network,
    read_card,
)
from explorer.features.backbone import load_backbone
from explorer.features.layers import LAYERS
from explorer.features.trunk import build_trunk
from explorer.images import SIZE
from trainers.fitting.validation import validation_images, validation_psnr
from trainers.publish import CHECKED_FIGURE, CHECKED_PICTURES, prepare_reconstruction

SHIPPED = sorted(CHECKPOINTS.glob("*/*.safetensors"))
MAX_FILE_BYTES = 16_000_000


def test_every_layer_ships_a_faithful_decoder() -> None:
    names = {path.name for path in SHIPPED}
    assert {f"{layer}-faithful.safetensors" for layer in LAYERS} <= names
    assert names <= {f"{layer}-{variant}.safetensors" for layer in LAYERS for variant in VARIANTS}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_checkpoint_is_small_and_says_where_it_comes_from(path: Path) -> None:
    card = load_network(path)[1]
    assert path.stem == f"{card.config.layer}-{card.variant}"
    assert path.stat().st_size <= MAX_FILE_BYTES
    assert card.pictures > 0 and card.data and card.licence and card.figures
    assert (card.steps > 0) == (card.variant != LINEAR)


@pytest.mark.pretrained
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_checkpoint_reproduces_its_cards_figure(path: Path, shared_folder: Path) -> None:
    card = read_card(path)
    trunk = build_trunk(load_backbone().network, card.config.layer)
    images = validation_images(str(shared_folder / "images" / "val"), CHECKED_PICTURES, SIZE)
    with torch.no_grad():
        found = validation_psnr(prepare_reconstruction(path, trunk, path.parent), images)
    assert found == pytest.approx(card.figures[CHECKED_FIGURE], abs=0.05)
