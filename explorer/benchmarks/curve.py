"""Curves: what a method had reached after how many seconds on one picture, and the file that keeps them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from explorer.files import replacing

RECORDS = "curves.jsonl"


@dataclass(frozen=True, slots=True)
class Point:
    """One iterate; SSIM and LPIPS take long, so that most have none."""

    evaluations: int
    seconds: float
    psnr_db: float
    feature_error: float
    ssim: float | None = None
    lpips: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """One run of one method; `failure` says why a run has no end."""

    picture: str
    layer: str
    method: str
    precision: str
    points: tuple[Point, ...]
    failure: str | None = None

    def seconds_to(self, psnr_db: float) -> float | None:
        """Tell when the run first had this PSNR, or None if it never had."""
        return next((point.seconds for point in self.points if point.psnr_db >= psnr_db), None)


def read_curves(folder: Path) -> list[Curve]:
    """Read the curves that a folder keeps, or none."""
    path = folder / RECORDS
    if not path.is_file():
        return []
    return [_from_json(line) for line in path.read_text(encoding="utf-8").splitlines()]


def append_curves(folder: Path, curves: Sequence[Curve]) -> None:
    """Add curves to those of a folder, replacing its file in one step."""
    path = folder / RECORDS
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    added = "".join(json.dumps(asdict(curve)) + "\n" for curve in curves)
    with replacing(path) as partial:
        partial.write_text(before + added, encoding="utf-8")


def _from_json(line: str) -> Curve:
    values = json.loads(line)
    points = tuple(Point(**point) for point in values.pop("points"))
    return Curve(**values, points=points)
