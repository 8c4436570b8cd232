"""The closed-form start: better than the mean colour, and standardised."""

from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator

from explorer.decoders.network import DecoderNetwork
from tests.support.small import small_words
from trainers.config import TrainConfig, load_config
from trainers.fitting.linear_head import start_from_regression, start_from_statistics
from trainers.fitting.loop import Training


def test_the_fitted_head_beats_the_mean_colour_before_any_step(tmp_path: Path) -> None:
    training = Training(load_config(TrainConfig, None, small_words(tmp_path)), Accelerator(cpu=True))
    images = next(training.batches()).images
    trunk = training.trunks[0]
    start_from_regression(training.network, lambda: iter([(trunk(images)["layer1"], images)]))
    with torch.no_grad():
        error = (training.network(training.trunks[0](images)["layer1"]) - images).square().mean()
    assert error < 0.5 * images.var()


def test_decoder_without_a_head_starts_at_the_mean_colour_with_standardised_features(tmp_path: Path) -> None:
    training = Training(load_config(TrainConfig, None, small_words(tmp_path)), Accelerator(cpu=True))
    images = next(training.batches()).images
    features = training.trunks[0](images)["layer1"]
    network = DecoderNetwork(replace(training.network.config, linear_rank=0))
    start_from_statistics(network, lambda: iter([(features, images)]))
    reconstruction = network(features)
    colour = images.mean(dim=(0, 2, 3), keepdim=True)
    torch.testing.assert_close(reconstruction, colour.expand_as(reconstruction))
    standardised = (features - network.mean) / network.std
    torch.testing.assert_close(
        standardised.mean(dim=(0, 2, 3)), torch.zeros(len(network.mean[0])), atol=1e-4, rtol=0
    )
