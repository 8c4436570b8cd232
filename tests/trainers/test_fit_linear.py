"""The program fit_linear: what it writes is what the lab then uses."""

from pathlib import Path

import torch

from explorer.decoders.checkpoint import LINEAR, Decoder, decoder_path, load_decoder, read_card, save_decoder
from explorer.examples import load_example
from explorer.features.backbone import load_backbone
from explorer.lab.models import Models
from tests.support.small import small_words
from trainers import fit_linear


def test_fitted_linear_decoder_is_preferred_to_one_of_the_examples(tmp_path: Path) -> None:
    assert fit_linear.main(["layer1", *small_words(tmp_path)]) == 0
    fitted = decoder_path(tmp_path / "layer1-linear", "layer1", LINEAR)
    shipped = decoder_path(tmp_path / "checkpoints" / "resnet50", "layer1", LINEAR)
    save_decoder(load_decoder(fitted).network, read_card(fitted), shipped)
    models = Models(load_backbone("untrained"), torch.device("cpu"), tmp_path / "checkpoints")
    decoder = models.decoder("layer1", LINEAR)
    assert isinstance(decoder, Decoder)
    assert decoder.card.pictures == 8
    images = load_example("cat", size=64).images
    error = (decoder(models.trunk("layer1")(images)) - images).square().mean()
    assert error < 0.5 * images.var()
