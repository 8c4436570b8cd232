"""Run by ``accelerate launch`` from test_loop: save the gradients of one training step."""

import sys
from pathlib import Path

import torch

from trainers.config import TrainConfig, load_config
from trainers.fitting.loop import Training
from trainers.runs.processes import join_processes


def main() -> None:
    out, *overrides = sys.argv[1:]
    accelerator = join_processes()
    training = Training(load_config(TrainConfig, None, overrides), accelerator)
    training.start()
    next(training.run())
    gradients = {name: parameter.grad for name, parameter in training.network.named_parameters()}
    if accelerator.is_main_process:
        torch.save({"processes": accelerator.num_processes, "gradients": gradients}, Path(out))


if __name__ == "__main__":
    main()
