"""Fit a layer's linear decoder in closed form: ``python -m trainers.fit_linear layer4 data.source=folder …``.

It takes the configuration of `trainers.train`; `linear_batches` says how many batches the fit sees. The file
is published like a trained one. Networks without one are fitted on the example pictures when first used
(`explorer.decoders.linear`).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import torch
from tqdm import tqdm

from explorer.decoders.architecture import ARCHITECTURES
from explorer.decoders.checkpoint import LINEAR, decoder_path, save_decoder
from explorer.decoders.network import DecoderNetwork
from trainers.command import run_command
from trainers.config import CONFIGS, TrainConfig, as_dict
from trainers.data.crops import Share
from trainers.data.folders import training_batches
from trainers.fitting.linear_head import start_from_regression
from trainers.fitting.trunks import build_trained_trunk
from trainers.runs.card import make_card
from trainers.runs.run_folder import RunFolder


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit as the command line says, and return the exit status."""
    return run_command(TrainConfig, fit_linear, arguments, CONFIGS)


def fit_linear(config: TrainConfig) -> None:
    """Fit the first weights' features to the first batches, and write the decoder file."""
    config = replace(config, variant=LINEAR)
    if config.threads:
        torch.set_num_threads(config.threads)
    trunk = build_trained_trunk(config.weights[0], config.layer)
    network = DecoderNetwork(ARCHITECTURES[config.layer].without_branch())
    whole = Share(rank=0, processes=1, batch_size=config.batch_size)
    batches = islice(training_batches(config.data, whole, seed=config.seed), config.linear_batches)
    images = [batch.images for batch in tqdm(batches, config.layer, config.linear_batches, disable=None)]
    start_from_regression(network, lambda: ((trunk(batch)[config.layer], batch) for batch in images))
    folder = RunFolder(config.run_folder)
    folder.write_manifest({"config": as_dict(config)})
    pictures = config.linear_batches * config.batch_size
    card = make_card(config, network, [trunk], steps=0, pictures=pictures, figures={})
    save_decoder(network, card, decoder_path(folder.path, config.layer, LINEAR))


if __name__ == "__main__":
    raise SystemExit(main())
