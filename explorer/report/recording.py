"""A recorded run: a real race on an example, small enough to ship with the page; a file of JSON for each."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import PIL.Image

from explorer.files import replacing
from explorer.images import Images, Pixels, to_pil
from explorer.metrics.scores import Scores

SHIPPED = Path(__file__).with_name("recordings")
WEBP_QUALITY = 72
DEEPEST = "layer4"


@dataclass(frozen=True, slots=True)
class RecordedPanel:
    """One layer as it stood; `feature` is its feature error, `webp` its picture in base64."""

    step: int
    evaluations: int
    feature: float
    psnr_db: float
    ssim: float | None
    lpips: float | None
    webp: str


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """The race at one moment, layer by layer."""

    seconds: float
    panels: Mapping[str, RecordedPanel]


@dataclass(frozen=True, slots=True)
class Recording:
    """Some frames of a race, how each layer ended, and what it takes to repeat it."""

    example: str
    weights: str
    digest: str | None
    version: str
    steps: int
    seed: int
    frames: Sequence[RecordedFrame]
    scores: Mapping[str, Scores]
    seconds: Mapping[str, float]


def recording_path(example: str, folder: Path = SHIPPED) -> Path:
    """Name the file of one example."""
    return folder / f"{example}.json"


def write_recording(recording: Recording, path: Path) -> None:
    """Write a recording, replacing the file in one step."""
    plain = asdict(recording) | {"scores": {layer: one.plain() for layer, one in recording.scores.items()}}
    with replacing(path) as partial:
        partial.write_text(json.dumps(plain), encoding="utf-8")


def read_recording(path: Path) -> Recording:
    """Read a recording."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    frames = [
        RecordedFrame(
            frame["seconds"], {layer: RecordedPanel(**panel) for layer, panel in frame["panels"].items()}
        )
        for frame in plain.pop("frames")
    ]
    scores = {layer: Scores.from_plain(given) for layer, given in plain.pop("scores").items()}
    return Recording(**plain, frames=frames, scores=scores)


def still_path(example: str, folder: Path = SHIPPED) -> Path:
    """Name the file of what a search has made of an example's last layer."""
    return folder / f"{example}-{DEEPEST}.webp"


def write_still(images: Images, path: Path) -> None:
    """Write one picture without loss (beyond 8 bits), replacing the file in one step."""
    with replacing(path) as partial:
        to_pil(images).save(partial, "WEBP", lossless=True, method=6)


def encode_webp(pixels: Pixels) -> str:
    """Encode a picture as WebP, in base64."""
    buffer = BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "WEBP", quality=WEBP_QUALITY, method=6)
    return b64encode(buffer.getvalue()).decode("ascii")
