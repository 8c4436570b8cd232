"""The processes that ``accelerate launch`` started, and this one's place among them."""

from typing import Any

import torch
from accelerate import Accelerator


def join_processes(**options: Any) -> Accelerator:  # noqa: ANN401
    """Join the other processes of this launch, if any; ``options`` are those of Accelerator.

    Without a GPU they must be asked for the CPU by name: else each of them would believe itself alone.
    """
    return Accelerator(cpu=not torch.accelerator.is_available(), **options)
