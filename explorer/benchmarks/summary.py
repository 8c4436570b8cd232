"""The proof in numbers: where each method ended, and how much sooner ours was where the reference ended."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from statistics import mean, median

from explorer.benchmarks.comparison import ADAM, OURS
from explorer.benchmarks.curve import Curve


@dataclass(frozen=True, slots=True)
class End:
    """Means over pictures (of the seconds the median) at the end of a method's runs."""

    layer: str
    method: str
    precision: str
    pictures: int
    evaluations: float
    seconds: float
    psnr_db: float | None
    ssim: float | None
    lpips: float | None
    feature_error: float | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class SpeedUp:
    """Median times to the PSNR that the reference loop ends with, and the median of their ratios.

    A picture on which ours never gets there counts as the ratio 0.
    """

    layer: str
    method: str
    pictures: int
    reached: int
    reference_psnr_db: float
    reference_seconds: float
    seconds: float | None
    ratio: float
    ratio_lowest: float
    ratio_highest: float


def ends(curves: Sequence[Curve]) -> Generator[End, None, None]:
    """Average the last points by layer and method; one that fails anywhere has a reason instead."""
    for layer, method in dict.fromkeys((curve.layer, curve.method) for curve in curves):
        runs = [curve for curve in curves if (curve.layer, curve.method) == (layer, method)]
        lasts = [run.points[-1] for run in runs if run.points]
        failed = [run.failure for run in runs if run.failure]
        yield End(
            layer=layer,
            method=method,
            precision=runs[0].precision,
            pictures=len(runs),
            evaluations=mean(last.evaluations for last in lasts),
            seconds=median(last.seconds for last in lasts),
            psnr_db=None if failed else mean(last.psnr_db for last in lasts),
            ssim=None if failed else _mean([last.ssim for last in lasts]),
            lpips=None if failed else _mean([last.lpips for last in lasts]),
            feature_error=None if failed else mean(last.feature_error for last in lasts),
            failure=f"{len(failed)} of {len(runs)}: {failed[0]}" if failed else None,
        )


def speed_ups(curves: Sequence[Curve]) -> Generator[SpeedUp, None, None]:
    """Compare our methods with the Adam loop, picture by picture."""
    references = {(curve.layer, curve.picture): curve for curve in curves if curve.method == ADAM}
    for layer in dict.fromkeys(layer for layer, _ in references):
        for method in OURS:
            pairs = [
                (curve, references[layer, curve.picture])
                for curve in curves
                if (curve.layer, curve.method) == (layer, method) and (layer, curve.picture) in references
            ]
            if pairs:
                yield _speed_up(layer, method, pairs)


def _speed_up(layer: str, method: str, pairs: Sequence[tuple[Curve, Curve]]) -> SpeedUp:
    finals = [reference.points[-1] for _, reference in pairs]
    times = [curve.seconds_to(final.psnr_db) for (curve, _), final in zip(pairs, finals, strict=True)]
    reached = [seconds for seconds in times if seconds is not None]
    ratios = [
        final.seconds / seconds if seconds else 0.0 for seconds, final in zip(times, finals, strict=True)
    ]
    return SpeedUp(
        layer=layer,
        method=method,
        pictures=len(pairs),
        reached=len(reached),
        reference_psnr_db=mean(final.psnr_db for final in finals),
        reference_seconds=median(final.seconds for final in finals),
        seconds=median(reached) if reached else None,
        ratio=median(ratios),
        ratio_lowest=min(ratios),
        ratio_highest=max(ratios),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None
