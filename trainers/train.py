"""Train one decoder: ``python -m trainers.train layer3 key=value…``, or the same under ``accelerate launch``.

The state is saved often and atomically; the same command goes on where a killed run stopped.
"""

import logging
import time
from collections.abc import Sequence

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

from explorer.decoders.checkpoint import decoder_path, save_decoder
from explorer.images import SIZE, Images
from trainers.command import run_command
from trainers.config import CONFIGS, TrainConfig, as_dict
from trainers.fitting.loop import Training
from trainers.fitting.validation import validation_images, validation_psnr
from trainers.runs.card import make_card
from trainers.runs.history import PSNR, write_history
from trainers.runs.processes import join_processes
from trainers.runs.run_folder import RunFolder

log = logging.getLogger("trainers.train")

Row = dict[str, float]

SPEED = "pictures_per_core_second"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says, and return the exit status."""
    return run_command(TrainConfig, train, arguments, CONFIGS)


def train(config: TrainConfig) -> None:
    """Run or resume a training to its last step, keeping its folder up to date."""
    if config.threads:
        torch.set_num_threads(config.threads)
    folder = RunFolder(config.run_folder)
    accelerator = join_processes(
        mixed_precision="bf16" if config.uses_bf16 else "no", log_with="tensorboard", project_dir=folder.path
    )
    training = Training(config, accelerator)
    if config.cache and accelerator.is_main_process:
        for number in training.fill_cache():
            log.info("cached batch %d of %d", number + 1, config.cache_batches)
    accelerator.wait_for_everyone()
    rows: list[Row] = []
    if (state := folder.load_state()) is None:
        training.start()
    else:
        rows = state.pop("history")
        training.restore(state)
        log.info("resumed at step %d", training.step)
    accelerator.init_trackers("tensorboard")
    if accelerator.is_main_process:
        folder.write_manifest({"config": as_dict(config), "processes": accelerator.num_processes})
    _follow(training, folder, rows)
    accelerator.end_training()


def _follow(training: Training, folder: RunFolder, rows: list[Row]) -> None:
    """Consume the training: log, validate and save at their intervals and at the end."""
    config, accelerator = training.config, training.accelerator
    held_out = None
    if config.validation_folder and accelerator.is_main_process:
        held_out = validation_images(config.validation_folder, config.validation_pictures, SIZE)
    broken = 0
    meter = _Meter(config.batch_size / accelerator.num_processes)
    for progress in training.run():
        broken += len(progress.broken)
        for name in progress.broken:
            log.warning("skipped a broken picture (%d so far): %s", broken, name)
        meter.steps += 1
        is_last = progress.step == config.steps
        row = {"step": progress.step, "learning_rate": progress.learning_rate, **progress.losses}
        is_saving = is_last or progress.step % config.save_every == 0
        if is_saving or progress.step % config.log_every == 0:
            row[SPEED] = meter.read()
            rows.append(row)
        if is_saving and config.validation_folder:
            row[PSNR] = _validate(training, held_out)
        if rows and rows[-1] is row:
            _log(row, accelerator)
        if is_saving:
            _save(training, folder, rows)
            meter.read()  # Neither validation nor saving is a step.
        if training.is_flat:
            log.info("the held-out curve is flat: stopped at step %d", progress.step)
            break


class _Meter:
    """Pictures a second of one core, by the processor time of this process (data workers not counted)."""

    def __init__(self, pictures_per_step: float) -> None:
        self.pictures_per_step = pictures_per_step
        self.steps = 0
        self.started = time.process_time()

    def read(self) -> float:
        """Return the speed since the last reading."""
        now = time.process_time()
        speed = self.steps * self.pictures_per_step / max(now - self.started, 1e-9)
        self.steps, self.started = 0, now
        return speed


def _validate(training: Training, held_out: Images | None) -> float:
    """Measure the averaged network in the main process, and tell every process the figure."""
    device = training.accelerator.device
    figures = [] if held_out is None else [validation_psnr(training.reconstruct, held_out, device)]
    (figure,) = gather_object(figures)
    training.observe(figure)
    return figure


def _log(row: Row, accelerator: Accelerator) -> None:
    accelerator.log(row, step=int(row["step"]))
    if accelerator.is_main_process:
        log.info(" ".join(f"{name} {value:.5g}" for name, value in row.items()))


def _save(training: Training, folder: RunFolder, rows: Sequence[Row]) -> None:
    """Save the state for resuming, the history, and the averaged network as a decoder file."""
    state = {**training.state(), "history": list(rows)}  # Every process must gather it.
    if not training.accelerator.is_main_process:
        return
    folder.save_state(state)
    write_history(folder.path, rows)
    config = training.config
    card = make_card(
        config,
        training.network,
        training.trunks,
        steps=training.step,
        pictures=training.step * config.batch_size,
        start=training.task.start_card,
        refines=training.task.refines,
        figures={"training_validation_psnr_db": rows[-1][PSNR]} if PSNR in rows[-1] else {},
    )
    save_decoder(training.average, card, decoder_path(folder.path, card.config.layer, card.variant))


if __name__ == "__main__":
    raise SystemExit(main())
