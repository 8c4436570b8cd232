"""What a run leaves: pictures, contact sheets, CSV, a JSON manifest, a zip, and the repeating command."""

import csv
import json
import os
import platform
import shlex
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from explorer import __version__
from explorer.decoding.square import CENTRE, Crop
from explorer.features.layers import LAYERS
from explorer.features.recorded import RecordedFeatures
from explorer.images import Picture, encode_png
from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab
from explorer.lab.layer import Source
from explorer.lab.run import Reconstruction
from explorer.metrics.scores import METRICS, Scores
from explorer.report.sheet import contact_sheet, layer_panel, original_panel

MANIFEST, TABLE = "report.json", "report.csv"
ORIGINAL, FEATURES = "original.png", "features.safetensors"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "scikit-image", "lpips")
# Other programs read a record's columns by their places, so metrics that came later follow at the end.
FIRST_METRICS = ("psnr_db", "ssim", "lpips", "feature_error", "feature_cosine", "top5_agreement")


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
    offered: Sequence[str] = LAYERS  # The network's own layers, whose colours differ.
    crop: Crop = CENTRE  # The square that was taken of every file.

    @classmethod
    def of(
        cls,
        lab: Lab,
        layers: Iterable[str],
        *,
        command_line: str,
        seed: int,
        settings: Mapping[str, Settings | None],
        crop: Crop = CENTRE,
    ) -> "RunInfo":
        """Gather what is known of a lab and the layers that it inverted."""
        return cls(
            command_line=command_line,
            weights=lab.backbone.name,
            fingerprint=lab.backbone.digest,
            seed=seed,
            settings=settings,
            trunks={layer: lab.trunk(layer).fingerprint for layer in layers},
            notice=lab.backbone.notice,
            offered=lab.layers,
            crop=crop,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """One reconstruction with its scores; `image` is the picture as the user named it."""

    image: str
    reconstruction: Reconstruction
    scores: Scores


def write_picture(
    folder: Path, picture: Source, results: Sequence[Result], layers: Sequence[str] = LAYERS
) -> None:
    """Write the original if there is one, every reconstruction (lossless) and their sheet.

    `layers` are the network's own.
    """
    folder.mkdir(parents=True)
    panels = []
    if isinstance(picture, Picture):
        (folder / ORIGINAL).write_bytes(encode_png(picture.images))
        panels.append(original_panel(picture.images, picture.name))
    for result in results:
        made = result.reconstruction
        (folder / f"{made.layer}-{made.method}.png").write_bytes(encode_png(made.images))
        panels.append(layer_panel(made.images, made.layer, made.method, result.scores, layers))
    contact_sheet(panels).save(folder / "sheet.png")


def write_tables(folder: Path, run: RunInfo, results: Sequence[Result]) -> None:
    """Write `report.json` (run and results) and `report.csv` (results)."""
    manifest = {"run": describe_run(run), "results": [make_record(result) for result in results]}
    _write_json(folder / MANIFEST, manifest)
    _write_csv(folder / TABLE, results)


def make_record(result: Result) -> dict[str, Any]:
    """Make the row of one result; a metric that is missing or infinite is None with its reason."""
    scores, made = result.scores.finite(), result.reconstruction
    return {
        "image": result.image,
        "layer": made.layer,
        "method": made.method,
        **{key: scores[key] for key in FIRST_METRICS},
        "steps": made.evaluations,
        "seconds": made.seconds,
        "reasons": dict(scores.reasons),
        "notice": made.notice,
        **{key: scores[key] for key in METRICS if key not in FIRST_METRICS},
        "farther_pairs": scores.farther_pairs,  # Of 1,000 random pairs of photos at this layer.
    }


def describe_run(run: RunInfo) -> dict[str, Any]:
    """Make the manifest's description of a run, versions included."""
    settings = {layer: chosen.describe() if chosen else None for layer, chosen in run.settings.items()}
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
        "crop": list(astuple(run.crop)),
    }


def repeat_command(*arguments: str) -> str:
    """Quote the command that repeats a run, for any POSIX shell, as valid text whatever the files' names."""
    return " ".join(["python", "-m", "explorer", *map(_quote, arguments)])


def zip_report(
    run: RunInfo,
    picture: Source,
    results: Sequence[Result],
    animation: bytes | None,
    features: RecordedFeatures | None = None,
) -> bytes:
    """Pack one picture's results, settings, repeating command, features and a GIF of the run into a zip."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "reconstructions"
        write_picture(folder, picture, results, run.offered)
        _write_csv(folder / "metrics.csv", results)
        _write_json(folder / "config.json", describe_run(run))
        (folder / "command.txt").write_text(run.command_line + "\n", encoding="utf-8")
        if animation is not None:
            (folder / "run.gif").write_bytes(animation)
        if features is not None:
            features.write(folder / FEATURES)
        buffer = BytesIO()
        with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, path.relative_to(temporary))
    return buffer.getvalue()


def _quote(word: str) -> str:
    """Quote a word for a shell; one that is not UTF-8 is written byte by byte."""
    try:
        word.encode()
    except UnicodeEncodeError:
        octal = "".join(f"\\{byte:03o}" for byte in os.fsencode(word))
        return f"\"$(printf '{octal}')\""
    return shlex.quote(word)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _write_csv(path: Path, results: Sequence[Result]) -> None:
    records = [make_record(result) for result in results]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(records[0]) if records else [])
        table.writeheader()
        for record in records:
            reasons = "; ".join(f"{metric}: {reason}" for metric, reason in record["reasons"].items())
            table.writerow({key: _as_cell(value) for key, value in {**record, "reasons": reasons}.items()})


def _as_cell(value: Any) -> Any:  # noqa: ANN401 - a text, a number or None
    """Mark a text that spreadsheets would compute as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
