"""Saves the gradients of one training step; a program too, for ``accelerate launch``."""

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator

from trainers.config import TrainConfig, load_config
from trainers.fitting.loop import Training
from trainers.runs.processes import join_processes


def save_gradients(accelerator: Accelerator, out: Path, overrides: Sequence[str]) -> None:
    """Take one step on every process, and let the main one write the gradients and the count of processes."""
    training = Training(load_config(TrainConfig, None, list(overrides)), accelerator)
    training.start()
    next(training.run())
    gradients = {name: parameter.grad for name, parameter in training.network.named_parameters()}
    if accelerator.is_main_process:
        torch.save({"processes": accelerator.num_processes, "gradients": gradients}, out)


if __name__ == "__main__":
    save_gradients(join_processes(), Path(sys.argv[1]), sys.argv[2:])
