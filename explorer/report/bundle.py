"""What a run leaves: pictures, contact sheets, CSV, a JSON manifest, a zip, and the command that repeats it.

Folders appear whole or not at all: everything is written beside its place and moved there at the end.
"""

import csv
import json
import math
import platform
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from explorer import __version__
from explorer.errors import ExplorerError
from explorer.images import Picture, encode_png
from explorer.inversion.invert import Settings
from explorer.lab.run import Reconstruction
from explorer.metrics.functional import Scores
from explorer.report.sheet import contact_sheet, layer_panel, original_panel

MANIFEST, TABLE = "report.json", "report.csv"
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "scikit-image", "lpips")
METRICS = ("psnr_db", "ssim", "lpips", "feature_error", "feature_cosine", "top5_agreement")
INFINITE_PSNR, INFINITE_ERROR = "infinite: the pictures are equal", "infinite: the target features are zero"
COLUMNS = ("image", "layer", "method", *METRICS, "steps", "seconds", "reasons", "notice")


class ReportError(ExplorerError):
    """A folder that cannot be written; the message names it."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What it takes to repeat a run: settings by layer, the weights, and the command line."""

    command_line: str
    weights: str
    fingerprint: str | None  # First digits of the weight file's SHA-256; None for untrained weights.
    seed: int
    settings: Mapping[str, Settings | None]  # None where a layer's method takes no settings.
    trunks: Mapping[str, str] = field(default_factory=dict)  # Fingerprints of the trunks by layer.
    notice: str | None = None  # Says so when other weights ran than were asked for.


@dataclass(frozen=True, slots=True)
class Result:
    """One reconstruction with its scores; `image` is the picture as the user named it."""

    image: str
    reconstruction: Reconstruction
    scores: Scores


@contextmanager
def writing_into(out: Path) -> Iterator[Path]:
    """Give a hidden folder whose content moves into `out` when the block ends well, and vanishes if not.

    Files of `out` with the same names are replaced; others stay. Raises ReportError at once, before the
    block runs, when `out` cannot be written.
    """
    anchor = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    try:
        staging = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=anchor))
    except OSError as error:
        raise ReportError(f"Cannot write to {out}: {error.strerror}. Choose another --out folder.") from error
    try:
        yield staging
        _move_files(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_picture(folder: Path, picture: Picture, results: Sequence[Result]) -> None:
    """Write the original, every reconstruction (lossless) and their contact sheet."""
    folder.mkdir(parents=True)
    (folder / "original.png").write_bytes(encode_png(picture.images))
    panels = [original_panel(picture.images, picture.name)]
    for result in results:
        made = result.reconstruction
        (folder / f"{made.layer}-{made.method}.png").write_bytes(encode_png(made.images))
        panels.append(layer_panel(made.images, made.layer, made.method, result.scores))
    contact_sheet(panels).save(folder / "sheet.png")


def write_tables(folder: Path, run: RunInfo, results: Sequence[Result]) -> None:
    """Write `report.json` (run and results) and `report.csv` (results)."""
    manifest = {"run": describe_run(run), "results": [make_record(result) for result in results]}
    _write_json(folder / MANIFEST, manifest)
    _write_csv(folder / TABLE, results)


def make_record(result: Result) -> dict[str, Any]:
    """Make the row of one result; a metric that is missing or infinite is None with its reason."""
    scores, made = finite_scores(result.scores), result.reconstruction
    measured = {metric: getattr(scores, metric) for metric in METRICS}
    values = (
        made.layer,
        made.method,
        *measured.values(),
        made.steps,
        made.seconds,
        scores.reasons,
        made.notice,
    )
    return dict(zip(COLUMNS, (result.image, *values), strict=True))


def finite_scores(scores: Scores) -> Scores:
    """Replace infinite and undefined scores, which JSON cannot hold, by None and a reason."""
    reasons = dict(scores.reasons)
    for metric in METRICS:
        value = getattr(scores, metric)
        if value is not None and not math.isfinite(value):
            infinite = INFINITE_ERROR if metric == "feature_error" else INFINITE_PSNR
            reasons[metric] = "undefined (not a number)" if math.isnan(value) else infinite
    missing = dict.fromkeys(reasons)
    return replace(scores, **missing, reasons=reasons)


def describe_run(run: RunInfo) -> dict[str, Any]:
    """Make the manifest's description of a run, versions included."""
    settings = {layer: asdict(chosen) if chosen else None for layer, chosen in run.settings.items()}
    packages = {name: version(name) for name in PACKAGES}
    versions = {"explorer": __version__, "python": platform.python_version(), **packages}
    return {
        "versions": versions,
        "seed": run.seed,
        "settings": settings,
        "weights": run.weights,
        "fingerprint": run.fingerprint,
        "trunks": dict(run.trunks),
        "notice": run.notice,
        "command_line": run.command_line,
    }


def repeat_command(*arguments: str) -> str:
    """Quote the command that repeats a run, for any POSIX shell."""
    return shlex.join(["python", "-m", "explorer", *arguments])


def zip_report(run: RunInfo, picture: Picture, results: Sequence[Result], animation: bytes | None) -> bytes:
    """Pack one picture's results, settings, repeating command and a GIF of the run into a zip."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "reconstructions"
        write_picture(folder, picture, results)
        _write_csv(folder / "metrics.csv", results)
        _write_json(folder / "config.json", describe_run(run))
        (folder / "command.txt").write_text(run.command_line + "\n", encoding="utf-8")
        if animation is not None:
            (folder / "run.gif").write_bytes(animation)
        buffer = BytesIO()
        with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, path.relative_to(temporary))
    return buffer.getvalue()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _write_csv(path: Path, results: Sequence[Result]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for result in results:
            record = make_record(result)
            reasons = "; ".join(f"{metric}: {reason}" for metric, reason in record["reasons"].items())
            table.writerow({**record, "reasons": reasons}.values())


def _check_free(destination: Path) -> None:
    """Raise ReportError where a folder has the file's name, or a file the name of one of its folders."""
    blockers = [folder for folder in destination.parents if folder.exists() and not folder.is_dir()]
    if destination.is_dir():
        blockers.append(destination)
    if blockers:
        kind = "folder" if blockers[0].is_dir() else "file"
        raise ReportError(
            f"The {kind} {blockers[0]} is in the way of the report. Choose another --out folder."
        )


def _move_files(source: Path, out: Path) -> None:
    """Move files one by one, the tables last: a report that is there has all its pictures."""
    files = sorted(
        (path for path in source.rglob("*") if path.is_file()), key=lambda path: (path.parent == source, path)
    )
    destinations = [out / path.relative_to(source) for path in files]
    for destination in destinations:
        _check_free(destination)
    for path, destination in zip(files, destinations, strict=True):
        destination.parent.mkdir(parents=True, exist_ok=True)
        path.replace(destination)
