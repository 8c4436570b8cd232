"""A run's history, a row of figures now and then, as a table and as a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from explorer.files import replacing

TABLE, CURVE = "history.csv", "loss.png"
PSNR = "psnr_db"


def write_history(folder: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write `history.csv`, and `loss.png` with the loss terms and the validation PSNR over the steps."""
    history = pd.DataFrame(rows).set_index("step")
    with replacing(folder / TABLE) as partial:
        history.to_csv(partial)
    from matplotlib.figure import Figure  # Slow to import, and needed only here.

    figure = Figure(figsize=(8, 4), layout="constrained")
    left = figure.add_subplot(xlabel="step", ylabel="loss", yscale="log")
    for name in history.columns.difference([PSNR, "learning_rate", "pictures_per_core_second"]):
        left.plot(history[name].dropna(), label=name)
    left.legend(loc="upper right")
    if PSNR in history:
        right = left.twinx()
        right.plot(history[PSNR].dropna(), "k.-")
        right.set_ylabel("validation PSNR, dB")
    figure.savefig(folder / CURVE, dpi=100)
