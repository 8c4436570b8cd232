"""Published decoders carry what was measured of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from explorer.decoders.architecture import ARCHITECTURES
from explorer.decoders.checkpoint import (
    decoder_path,
    load_decoder,
    save_decoder,
)
from explorer.decoders.network import DecoderNetwork
from explorer.features.backbone import load_backbone
from explorer.features.trunk import build_trunk
from explorer.images import SIZE
from tests.support.decoders import make_card
from trainers.fitting.validation import validation_images, validation_psnr
from trainers.publish import CHECKED_FIGURE, CHECKED_PICTURES
from trainers.publish import main as publish


def test_published_decoder_carries_measured_figures_and_the_digests(tmp_path: Path, photos: Path) -> None:
    trunk = build_trunk(load_backbone("untrained").network, "layer1")
    network = DecoderNetwork(ARCHITECTURES["layer1"])
    runs, out = tmp_path / "runs", tmp_path / "out"
    card = replace(make_card(trunk.fingerprint), config=ARCHITECTURES["layer1"])
    save_decoder(network, card, decoder_path(runs / "layer1-faithful", "layer1", "faithful"))
    words = [f"runs={runs}", f"out={out}", f"pictures={photos}", "weights=untrained", "layers=[layer1]"]
    assert publish([*words, "digests={0676ba61: the real file}"]) == 0
    published = load_decoder(decoder_path(out, "layer1", "faithful"))
    images = validation_images(str(photos), CHECKED_PICTURES, SIZE)
    assert published.card.figures[CHECKED_FIGURE] == pytest.approx(
        validation_psnr(lambda batch: published(trunk(batch)), images)
    )
    assert published.card.digests == {"0676ba61": "the real file"}
    assert published.card.licence == card.licence
    assert publish([*words, "licence=CC BY-NC 4.0"]) == publish(words) == 0
    assert load_decoder(decoder_path(out, "layer1", "faithful")).card.licence == "CC BY-NC 4.0"
