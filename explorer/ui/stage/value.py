"""What the server sends to the stage: one JSON text per update.

A text, because Gradio compares, copies and watches every part of a value that is not one, on each update.
"""

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from explorer.images import Images, encode_jpeg
from explorer.lab.race import Frame, Panel
from explorer.metrics.thumbnail import Thumbnails
from explorer.ui.stage.captions import Sentence
from explorer.ui.stage.table import Table

# Still pictures are sent once, so they may be better than the frames of a race.
STILL_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Measurement:
    """What has been read of one layer; None where nothing has."""

    ssim: float | None = None
    lpips: float | None = None


@dataclass(frozen=True, slots=True)
class StagePanel:
    """One layer's picture and numbers; a number that is None is shown as a dash."""

    src: str
    shape: str
    psnr_db: float | None
    feature: float | None
    ssim: float | None = None
    lpips: float | None = None
    step: int = 0
    evaluations: int = 0
    state: str = "finished"
    note: str = ""
    thumbnail: float | None = None  # The side of the thumbnail that is as close.


@dataclass(frozen=True, slots=True)
class StageValue:
    """The whole stage at one moment. Another `run` clears curves and replay."""

    run: str
    original: str | None  # None leaves the picture that is shown, "" shows none.
    panels: dict[str, StagePanel] = field(default_factory=dict)
    seconds: float = 0.0
    captions: Sequence[Sentence] = ()
    status: str = ""
    table: Table | None = None
    is_over: bool = True

    def text(self, **more: object) -> str:
        """Write the value, and whatever else the stage understands, as JSON; no number but finite ones."""
        return json.dumps(_finite({**asdict(self), **more}), allow_nan=False)


def data_uri(jpeg: bytes) -> str:
    """Write a JPEG so that a page can show it without a file."""
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"


def still(images: Images) -> str:
    """Encode a picture that is sent once."""
    return data_uri(encode_jpeg(images, STILL_QUALITY))


def read_frame(
    frame: Frame,
    jpegs: Mapping[str, bytes],
    shapes: Mapping[str, str],
    readings: Mapping[str, Measurement],
    thumbnails: Thumbnails,
) -> dict[str, StagePanel]:
    """Turn a whole frame of a race, and what has just been read of it, into panels."""
    return {
        layer: replace(
            _panel(panel, jpegs[layer], shapes.get(layer, ""), readings.get(layer, Measurement())),
            thumbnail=thumbnails.side_of(panel.psnr_db),
        )
        for layer, panel in frame.panels.items()
    }


def _panel(panel: Panel, jpeg: bytes, shape: str, reading: Measurement) -> StagePanel:
    note = f"stopped at step {panel.step}" if panel.state == "stopped" else ""
    return StagePanel(
        src=data_uri(jpeg),
        shape=shape,
        psnr_db=panel.psnr_db,
        feature=panel.losses["feature"],
        ssim=reading.ssim,
        lpips=reading.lpips,
        step=panel.step,
        evaluations=panel.evaluations,
        state=panel.state,
        note=panel.notice or note,
    )


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value
