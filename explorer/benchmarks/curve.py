"""Curves: what a run had reached after how many seconds on one picture, and speed-ups of one over another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

KEYS = ["layer", "method"]


@dataclass(frozen=True, slots=True)
class Curve:
    """One run of one method on one picture.

    `seconds` and `psnr_db` are those of every step. `records` are as in a report, of the pictures at the
    marks and at the end, and say in `mark` which.
    """

    picture: str
    layer: str
    method: str
    seconds: Sequence[float]
    psnr_db: Sequence[float]
    records: Sequence[dict[str, Any]]

    @property
    def end(self) -> dict[str, Any]:
        """The record of the picture that the run ended with."""
        return self.records[-1]

    def seconds_to(self, psnr_db: float) -> float | None:
        """Return when the run first had this PSNR, or None if it never had."""
        steps = zip(self.seconds, self.psnr_db, strict=True)
        return next((seconds for seconds, reached in steps if reached >= psnr_db), None)


def compute_speed_ups(curves: Sequence[Curve], reference: str) -> pd.DataFrame:
    """Compare each method with a reference's end, picture by picture.

    Returns:
        A row for each layer and method: median times to the PSNR that the reference ends with, and the median
        and range of their ratios. A picture on which a method never gets there counts as the ratio 0.
    """
    ends = {(curve.layer, curve.picture): curve.end for curve in curves if curve.method == reference}
    pairs = pd.DataFrame(
        [
            (curve.layer, curve.method, end["psnr_db"], end["seconds"], curve.seconds_to(end["psnr_db"]))
            for curve in curves
            if curve.method != reference and (end := ends.get((curve.layer, curve.picture)))
        ],
        columns=[*KEYS, "reference_psnr_db", "reference_seconds", "seconds"],
    ).astype({"seconds": float})
    pairs["ratio"] = (pairs["reference_seconds"] / pairs["seconds"]).fillna(0.0)
    return (
        pairs.groupby(KEYS, sort=False)
        .agg(
            pictures=("ratio", "size"),
            reached=("seconds", "count"),
            reference_psnr_db=("reference_psnr_db", "mean"),
            reference_seconds=("reference_seconds", "median"),
            seconds=("seconds", "median"),
            ratio=("ratio", "median"),
            ratio_lowest=("ratio", "min"),
            ratio_highest=("ratio", "max"),
        )
        .reset_index()
    )
