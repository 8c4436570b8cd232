"""Words of a training that takes seconds."""

from pathlib import Path

# The real ResNet-50 without training, on small pictures: seconds on two cores, and no file needed.
SMALL = ["weights=[untrained]", "batch_size=4", "linear_batches=2", "bf16=false", "threads=1"]
SMALL_DATA = ["data.source=skimage", "data.size=32", "data.workers=0"]


def small_words(out: Path, *words: str) -> list[str]:
    return [*SMALL, *SMALL_DATA, f"out={out}", *words]
