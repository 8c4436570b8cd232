"""Train one decoder: ``python -m trainers.train layer3 key=value…``, or the same under ``accelerate launch``.

The state is saved often and atomically; the same command goes on where a killed run stopped.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator

from explorer import __version__
from explorer.decoders.checkpoint import DecoderCard, decoder_path, save_decoder
from explorer.decoders.network import ARCHITECTURES
from explorer.errors import ExplorerError
from explorer.images import SIZE
from trainers.config import CONFIGS, DataConfig, TrainConfig, as_dict, load_config
from trainers.fitting.loop import Training
from trainers.fitting.validation import validation_images, validation_psnr
from trainers.runs.processes import join_processes
from trainers.runs.run_folder import RunFolder

log = logging.getLogger("trainers.train")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says; return 0, or 2 with one line for input that cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        train(read_config(arguments))
    except ExplorerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def read_config(arguments: Sequence[str] | None, fixed: Sequence[str] = ()) -> TrainConfig:
    """Read a layer's configuration from the command line; ``fixed`` words come last.

    Raises:
        ConfigError: a file is missing, or a key or value does not fit.
    """
    options = _parse(arguments)
    path = options.config or CONFIGS / f"{options.layer}.yaml"
    return load_config(TrainConfig, path, [*options.overrides, *fixed])


def describe_data(config: DataConfig) -> str:
    """Say in a few words where the pictures came from."""
    if config.source == "hf":
        return f"{config.dataset}, {config.split}"
    return f"{config.source} {Path(config.folder).name}"


def train(config: TrainConfig) -> None:
    """Run or resume a training to its last step, keeping its folder up to date."""
    if config.threads:
        torch.set_num_threads(config.threads)
    folder = RunFolder(config.run_folder)
    accelerator = join_processes(
        mixed_precision="bf16" if config.bf16 else "no", log_with="tensorboard", project_dir=folder.path
    )
    training = Training(config, accelerator)
    if (state := folder.load_state()) is None:
        training.start()
    else:
        training.restore(state)
        log.info("resumed at step %d", training.step)
    accelerator.init_trackers("tensorboard")
    if accelerator.is_main_process:
        folder.write_manifest({"config": as_dict(config), "processes": accelerator.num_processes})
    _follow(training, folder)
    accelerator.end_training()


def _follow(training: Training, folder: RunFolder) -> None:
    """Consume the training: log, validate and save at their intervals and at the end."""
    config, accelerator = training.config, training.accelerator
    held_out = None
    if config.validation_folder and accelerator.is_main_process:
        held_out = validation_images(config.validation_folder, config.validation_pictures, SIZE)
    broken = 0
    for progress in training.run():
        broken += len(progress.broken)
        for name in progress.broken:
            log.warning("skipped a broken picture (%d so far): %s", broken, name)
        is_last = progress.step == config.steps
        row = {"step": progress.step, "learning_rate": progress.learning_rate, **progress.losses}
        is_saving = is_last or progress.step % config.save_every == 0
        if is_saving and held_out is not None:
            row["psnr_db"] = validation_psnr(training.average, training.trunks[0], held_out)
        if is_saving or progress.step % config.log_every == 0:
            _record(row, folder, accelerator)
        if is_saving:
            _save(training, folder, row)


def _record(row: dict[str, float], folder: RunFolder, accelerator: Accelerator) -> None:
    folder.rows.append(row)
    accelerator.log(row, step=int(row["step"]))
    if accelerator.is_main_process:
        log.info(" ".join(f"{name} {value:.5g}" for name, value in row.items()))


def _save(training: Training, folder: RunFolder, row: dict[str, float]) -> None:
    """Save the state for resuming, and the averaged network as a decoder file."""
    state = training.state()
    if training.accelerator.is_main_process:
        folder.save_state(state)
        folder.draw_curve()
        card = _card(training, row)
        save_decoder(training.average, card, decoder_path(folder.path, card.config.layer, card.variant))


def _card(training: Training, row: dict[str, float]) -> DecoderCard:
    config = training.config
    return DecoderCard(
        config=training.network.config,
        variant=config.variant,
        backbone="resnet50",
        fingerprints={
            trunk.fingerprint: Path(weights).name
            for trunk, weights in zip(training.trunks, config.weights, strict=True)
        },
        data=describe_data(config.data),
        steps=training.step,
        pictures=training.step * config.batch_size,
        code_version=__version__,
        licence="MIT",
        figures={"training_validation_psnr_db": row["psnr_db"]} if "psnr_db" in row else {},
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m trainers.train", description=__doc__)
    parser.add_argument("layer", choices=tuple(ARCHITECTURES), help="whose YAML to start from")
    parser.add_argument(
        "--config", type=Path, help="another YAML file instead of trainers/configs/<layer>.yaml"
    )
    parser.add_argument(
        "overrides", nargs="*", help="settings as key=value, such as steps=1000 data.source=folder"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
