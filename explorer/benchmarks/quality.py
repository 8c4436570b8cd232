"""How well the optimiser inverts a set of pictures: time to quality, and mean scores with their intervals."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from statistics import mean, median

from explorer.images import Picture
from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab
from explorer.lab.run import Reconstruction
from explorer.metrics.intervals import half_width
from explorer.metrics.scores import Scores


@dataclass(frozen=True, slots=True)
class TimeToQuality:
    """Median seconds to a PSNR over the pictures that reached it; None when none did."""

    layer: str
    psnr_db: float
    reached: int
    pictures: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """Mean scores of the last iterates over a set of pictures, with half the width of the 95 % interval."""

    layer: str
    pictures: int
    evaluations: float
    psnr_db: float
    psnr_db_interval: float | None
    feature_error: float
    feature_error_interval: float | None
    ssim: float
    lpips: float | None
    seconds: float


def invert_all(
    lab: Lab, pictures: Sequence[Picture], layer: str, settings: Settings
) -> Generator[Reconstruction, None, None]:
    """Invert every picture from noise, one by one."""
    for picture in pictures:
        yield lab.reconstruct(picture, layer, "optimiser", settings)


def times_to_quality(
    layer: str, runs: Sequence[Reconstruction], thresholds_db: Sequence[float]
) -> Generator[TimeToQuality, None, None]:
    """Read off the runs' histories when each first reached each PSNR."""
    for psnr_db in thresholds_db:
        firsts = [
            next((record.seconds for record in run.history if record.psnr_db >= psnr_db), None)
            for run in runs
        ]
        reached = [seconds for seconds in firsts if seconds is not None]
        yield TimeToQuality(layer, psnr_db, len(reached), len(runs), median(reached) if reached else None)


def score_runs(lab: Lab, pictures: Sequence[Picture], layer: str, runs: Sequence[Reconstruction]) -> Quality:
    """Score the pictures that the runs ended with and average."""
    scores = [lab.score(picture, run) for picture, run in zip(pictures, runs, strict=True)]
    psnr_db, feature_error = _column(scores, "psnr_db"), _column(scores, "feature_error")
    perceptual = _column(scores, "lpips")
    return Quality(
        layer=layer,
        pictures=len(runs),
        evaluations=mean(run.evaluations for run in runs),
        psnr_db=mean(psnr_db),
        psnr_db_interval=half_width(psnr_db),
        feature_error=mean(feature_error),
        feature_error_interval=half_width(feature_error),
        ssim=mean(_column(scores, "ssim")),
        lpips=mean(perceptual) if perceptual else None,
        seconds=mean(run.seconds for run in runs),
    )


def _column(scores: Sequence[Scores], metric: str) -> list[float]:
    return [value for row in scores if (value := row[metric]) is not None]
