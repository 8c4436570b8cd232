"""The shipped decoders: small, honest about themselves, and as good as they say."""

from pathlib import Path

import pytest
import torch

from explorer.decoders.architecture import ARCHITECTURES
from explorer.decoders.checkpoint import (
    CHECKPOINTS,
    CONSISTENT,
    FAITHFUL,
    LINEAR,
    REFINEMENT,
    find_decoder,
    load_network,
    read_card,
    shrink_decoder,
)
from explorer.examples import EXAMPLES, load_example
from explorer.features.backbone import load_backbone
from explorer.features.graph import TracedNetwork, trace
from explorer.features.layers import LAYERS
from explorer.features.trunk import build_trunk, cut_trunk
from explorer.images import SIZE, Images
from explorer.metrics.functional import grid_ratio, psnr
from trainers.fitting.validation import validation_images, validation_psnr
from trainers.publish import CHECKED_FIGURE, CHECKED_PICTURES, prepare_reconstruction

SHIPPED = sorted(CHECKPOINTS.glob("*/layer*.safetensors"))
MAX_FILE_BYTES = 16_000_000


def test_every_layer_ships_a_faithful_decoder() -> None:
    names, variants = {path.name for path in SHIPPED}, (FAITHFUL, CONSISTENT, LINEAR, REFINEMENT)
    assert {f"{layer}-faithful.safetensors" for layer in LAYERS} <= names
    assert names <= {f"{layer}-{variant}.safetensors" for layer in LAYERS for variant in variants}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_checkpoint_is_small_and_says_where_it_comes_from(path: Path) -> None:
    card = load_network(path)[1]
    assert path.stem == f"{card.config.layer}-{card.variant}"
    assert path.stat().st_size <= MAX_FILE_BYTES
    assert card.pictures > 0
    assert card.data
    # Features of weights under that licence have taught the deeper ones.
    assert card.licence == ("CC BY-NC 4.0" if card.config.layer in ("layer3", "layer4") else "MIT")
    assert card.figures
    assert (card.steps > 0) == (card.variant != LINEAR)


@pytest.mark.photos
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_checkpoint_reproduces_its_cards_figure(path: Path, shared_folder: Path) -> None:
    card = read_card(path)
    trunk = build_trunk(load_backbone("compact").network, card.config.layer)
    images = validation_images(str(shared_folder / "images" / "val"), CHECKED_PICTURES, SIZE)
    with torch.no_grad():
        found = validation_psnr(prepare_reconstruction(path, trunk, path.parent), images)
    assert found == pytest.approx(card.figures[CHECKED_FIGURE], abs=0.05)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_faithful_decoder_beats_the_linear_one_on_pictures_never_trained_on(
    layer: str, compact: TracedNetwork, examples: Images
) -> None:
    trunk = cut_trunk(compact, layer)
    faithful, linear = (find_decoder(trunk, variant) for variant in ("faithful", LINEAR))
    assert faithful is not None
    assert linear is not None
    with torch.no_grad():
        features = trunk(examples)
        assert psnr(faithful(features), examples).mean() > psnr(linear(features), examples).mean()


@pytest.mark.parametrize(("layer", "variant"), [("layer3", CONSISTENT), ("layer4", FAITHFUL)])
def test_eight_bits_cost_a_deep_decoder_less_than_a_twentieth_of_a_decibel(
    layer: str, variant: str, compact: TracedNetwork, examples: Images
) -> None:
    trunk = cut_trunk(compact, layer)
    decoder = find_decoder(trunk, variant)
    assert decoder is not None
    with torch.no_grad():
        features = trunk(examples)
        loss = psnr(decoder(features), examples) - psnr(shrink_decoder(decoder)(features), examples)
    assert loss.mean() < 0.05


@pytest.mark.parametrize(
    ("layer", "variant", "most"),
    [
        ("layer1", FAITHFUL, 1.06),
        ("layer2", FAITHFUL, 1.13),
        ("layer3", FAITHFUL, 1.07),
        ("layer3", CONSISTENT, 1.0),
    ],
)
def test_no_visible_grid_lies_over_a_decoder_s_pictures(
    layer: str, variant: str, most: float, compact: TracedNetwork, examples: Images
) -> None:
    trunk = cut_trunk(compact, layer)
    decoder = find_decoder(trunk, variant)
    assert decoder is not None
    with torch.no_grad():
        found = grid_ratio(decoder(trunk(examples)).clamp(0, 1), ARCHITECTURES[layer].stride)
    assert found.mean() <= most


@pytest.fixture(scope="module")
def compact() -> TracedNetwork:
    return trace(load_backbone("compact").network)


@pytest.fixture(scope="module")
def examples() -> Images:
    return torch.cat([load_example(name).images for name in EXAMPLES])
