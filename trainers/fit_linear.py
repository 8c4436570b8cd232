"""Fit a layer's linear decoder in closed form: ``python -m trainers.fit_linear layer4 data.source=folder …``.

It takes the configuration of `trainers.train`; `linear_batches` says how many batches the fit sees. The file
is published like a trained one. Networks without one are fitted on the example pictures when first used
(`explorer.linear`).
"""

import sys
from collections.abc import Sequence
from itertools import islice

import torch
from tqdm import tqdm

from explorer import __version__
from explorer.decoders.checkpoint import LINEAR, DecoderCard, decoder_path, save_decoder
from explorer.decoders.network import ARCHITECTURES, DecoderNetwork
from explorer.errors import ExplorerError
from trainers.config import TrainConfig, as_dict
from trainers.data.crops import Share
from trainers.data.folders import training_batches
from trainers.fitting.linear_head import start_from_regression
from trainers.fitting.loop import build_trained_trunk
from trainers.runs.run_folder import RunFolder
from trainers.train import describe_data, read_config


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit as the command line says; return 0, or 2 with one line for input that cannot be used."""
    try:
        fit_linear(read_config(arguments, ["variant=" + LINEAR]))
    except ExplorerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def fit_linear(config: TrainConfig) -> None:
    """Fit the first weights' features to the first batches, and write the decoder file."""
    if config.threads:
        torch.set_num_threads(config.threads)
    trunk = build_trained_trunk(config.weights[0], config.layer)
    network = DecoderNetwork(ARCHITECTURES[config.layer].without_branch())
    whole = Share(rank=0, processes=1, batch_size=config.batch_size)
    batches = islice(training_batches(config.data, whole, seed=config.seed), config.linear_batches)
    images = (batch.images for batch in tqdm(batches, config.layer, config.linear_batches, disable=None))
    start_from_regression(network, trunk, images)
    folder = RunFolder(config.run_folder)
    folder.write_manifest({"config": as_dict(config)})
    card = DecoderCard(
        config=network.config,
        variant=LINEAR,
        backbone="resnet50",
        fingerprints={trunk.fingerprint: config.weights[0]},
        data=describe_data(config.data),
        steps=0,
        pictures=config.linear_batches * config.batch_size,
        code_version=__version__,
        licence="MIT",
    )
    save_decoder(network, card, decoder_path(folder.path, config.layer, LINEAR))


if __name__ == "__main__":
    raise SystemExit(main())
