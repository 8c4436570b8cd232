"""Sweep inversion settings: ``python -m trainers.sweep layer=layer3 pictures=FOLDER grid.decay=[0.5,1]``.

Every combination of the grid is tried on the tuning pictures; the best is then run on the report pictures,
which no choice has seen. Rows are written as they come, so the same command resumes a killed sweep.
"""

import itertools
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from explorer.errors import ExplorerError
from explorer.images import read_picture
from explorer.inversion.invert import Step
from explorer.inversion.settings import load_settings
from explorer.lab.lab import Lab
from explorer.machine import best_device
from explorer.metrics.functional import psnr
from trainers.config import ConfigError
from trainers.sweep_table import Row, append_rows, draw, read_rows

log = logging.getLogger("trainers.sweep")

ROWS = "sweep.csv"
FIGURE = "sweep.html"


@dataclass
class SweepConfig:
    """What to try, on which pictures."""

    layer: str = "layer1"
    method: str = "optimiser"
    preset: str = "balanced"
    weights: str = "IMAGENET1K_V1"
    grid: dict[str, list[Any]] = field(
        default_factory=dict
    )  # Values of each setting; the rest is the preset's.
    pictures: str = ""  # A folder; its files are numbered by name.
    tuning: list[int] = field(default_factory=lambda: [100, 103, 106])
    report: list[int] = field(default_factory=lambda: list(range(0, 300, 15)))  # May be empty.
    marks: list[int] = field(default_factory=lambda: [10, 25, 50, 100])  # Evaluations at which to measure.
    threads: int | None = None
    out: str = "runs/sweep"

    def __post_init__(self) -> None:
        if not Path(self.pictures).is_dir():
            raise ConfigError(f"pictures is '{self.pictures}'; it must be a folder of pictures.")
        if shared := set(self.tuning) & set(self.report):
            raise ConfigError(f"tuning and report share the pictures {sorted(shared)}; they must not.")
        if not self.marks or min(self.marks) < 1:
            raise ConfigError(f"marks is {self.marks}; give numbers of evaluations, at least one, from 1.")


class Sweep:
    """The trials of one configuration and the table they fill."""

    def __init__(self, config: SweepConfig) -> None:
        self._config = config
        self._lab = Lab.load(config.weights, best_device())
        self._files = sorted(path for path in Path(config.pictures).iterdir() if path.is_file())
        self._path = Path(config.out) / ROWS
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.rows = read_rows(self._path)

    def tune(self) -> str:
        """Run every choice on the tuning pictures and return the best by mean PSNR at the last mark."""
        choices = combine(self._config.grid)
        for choice in choices:
            self._try(choice, self._config.tuning)
        return max(choices, key=lambda choice: self.mean_psnr_db(choice, self._config.tuning))

    def report(self, choice: str) -> float:
        """Run one choice on the report pictures and return its mean PSNR at the last mark."""
        self._try(choice, self._config.report)
        return self.mean_psnr_db(choice, self._config.report)

    def mean_psnr_db(self, choice: str, pictures: Sequence[int]) -> float:
        """Average PSNR over pictures at the last mark."""
        mark = max(self._config.marks)
        names = {self._files[index].name for index in pictures}
        return fmean(
            row.psnr_db for row in self._rows_of(choice) if row.mark == mark and row.picture in names
        )

    def draw(self) -> None:
        """Draw the tuning rows into the figure beside the table."""
        names = {self._files[index].name for index in self._config.tuning}
        rows = [row for row in self.rows if row.layer == self._config.layer and row.picture in names]
        choices = list(combine(self._config.grid))
        draw(rows, choices).write_html(self._path.with_name(FIGURE), include_plotlyjs="cdn")

    def _rows_of(self, choice: str) -> list[Row]:
        return [row for row in self.rows if (row.layer, row.choice) == (self._config.layer, choice)]

    def _try(self, choice: str, pictures: Sequence[int]) -> None:
        finished = {row.picture for row in self._rows_of(choice)}
        for file in (self._files[index] for index in pictures):
            if file.name not in finished:
                rows = list(self._measure(choice, file))
                append_rows(self._path, rows)
                self.rows += rows
        log.info("%s %s: %.2f dB", self._config.layer, choice, self.mean_psnr_db(choice, pictures))

    def _measure(self, choice: str, file: Path) -> Iterator[Row]:
        """Run once and yield a row at every mark: the last iterate within that many evaluations."""
        config, picture = self._config, read_picture(file)
        changes = {**combine(config.grid)[choice], "evaluations": max(config.marks)}
        settings = load_settings(config.layer, config.method, config.preset, **changes)
        reached: dict[int, Step] = {}
        for step in self._lab.invert(picture, config.layer, config.method, settings):
            reached |= {mark: step for mark in config.marks if step.evaluations <= mark}
        for mark, step in reached.items():
            psnr_db = float(psnr(step.images.cpu(), picture.images))
            error = step.losses["feature"]
            yield Row(config.layer, choice, file.name, mark, psnr_db, error, step.seconds)


def combine(grid: dict[str, list[Any]]) -> dict[str, dict[str, Any]]:
    """Return every choice of one value per setting, by the name that tables give it."""
    choices = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return {" ".join(f"{key}={value}" for key, value in choice.items()): choice for choice in choices}


def load_sweep(words: Sequence[str]) -> SweepConfig:
    """Read ``key=value`` words over the defaults.

    Raises:
        ConfigError: a key or value does not fit.
    """
    try:
        loaded = OmegaConf.to_object(
            OmegaConf.merge(OmegaConf.structured(SweepConfig), OmegaConf.from_dotlist(list(words)))
        )
    except OmegaConfBaseException as error:
        raise ConfigError(str(error).splitlines()[0]) from error
    assert isinstance(loaded, SweepConfig)
    return loaded


def main(words: Sequence[str]) -> int:
    """Tune, report the winner on unseen pictures, and draw the figure."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        config = load_sweep(words)
        if config.threads:
            torch.set_num_threads(config.threads)
        sweep = Sweep(config)
        best = sweep.tune()
        sweep.draw()
        log.info("Best: %s.", best or "the preset")
        if config.report:
            log.info("On the report pictures: %.2f dB.", sweep.report(best))
    except ExplorerError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
