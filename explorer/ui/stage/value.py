"""What the server sends to the stage: one JSON text per update.

A text, because Gradio compares, copies and watches every part of a value that is not one, on each update.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4

from explorer.images import Picture
from explorer.lab.layer import Source
from explorer.lab.race import Frame, Panel
from explorer.metrics.scores import Scores, join_reasons
from explorer.metrics.thumbnail import Thumbnails
from explorer.ui.stage.captions import Sentence, describe_scores, describe_seen
from explorer.ui.stage.encoding import data_uri, still
from explorer.ui.stage.table import Table, make_row, make_table

FEATURES_ONLY = "Features only: no original."
NOT_HELD = "The file holds no features of {}."


@dataclass(frozen=True, slots=True)
class StagePanel:
    """One layer's picture and numbers; a number that is None is shown as a dash.

    Of one without a picture the note alone is shown.
    """

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
    says: str = ""  # What two networks take it for.
    recognised: float | None = (
        None  # 1 if the independent network still finds the original's class in its five.
    )


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
    original_says: str = ""  # What two networks take the original for, or that there is none.

    def scored(
        self,
        scores: Mapping[str, Scores],
        effort: Mapping[str, tuple[int, float]] | None = None,
        *,
        is_trained: bool,
    ) -> "StageValue":
        """Add what has been measured in the end, and why a metric is missing.

        With each layer's evaluations and seconds the table of final numbers is filled, too.
        """
        panels = {
            layer: replace(
                panel,
                ssim=scores[layer]["ssim"],
                lpips=scores[layer]["lpips"],
                feature=scores[layer]["feature_error"],
                recognised=scores[layer]["recognised_top5"],
                says=describe_seen(scores[layer].seen),
            )
            for layer, panel in self.panels.items()
            if layer in scores
        }
        rows = [make_row(layer, scores[layer], *spent) for layer, spent in (effort or {}).items()]
        return replace(
            self,
            panels=self.panels | panels,
            original_says=next((describe_seen(one.seen_in_original) for one in scores.values()), "")
            or self.original_says,
            captions=[*self.captions, *describe_scores(scores, is_trained=is_trained)],
            status=" ".join(filter(None, [self.status, join_reasons(scores.values())])),
            table=make_table(rows) if rows else None,
            is_over=True,
        )

    def text(self, **more: object) -> str:
        """Write the value, and whatever else the stage understands, as JSON; no number but finite ones."""
        return json.dumps(_finite({**asdict(self), **more}), allow_nan=False)


def begin_stage(given: Source | None, layers: Sequence[str]) -> StageValue:
    """Make the stage of what has just been given, if anything, without a reconstruction yet.

    Where features were given, the original and the layers that the file lacks say so.
    """
    run = uuid4().hex
    if given is None:
        return StageValue(run, "")
    if isinstance(given, Picture):
        return StageValue(run, still(given.images))
    lacking = [layer for layer in layers if layer not in given.features]
    panels = {layer: StagePanel("", "", None, None, note=NOT_HELD.format(layer)) for layer in lacking}
    return StageValue(run, "", panels, original_says=FEATURES_ONLY)


def read_frame(
    frame: Frame, shapes: Mapping[str, str], measured: Mapping[str, Scores], thumbnails: Thumbnails | None
) -> dict[str, StagePanel]:
    """Turn a frame with JPEGs into panels; while the race is only paused, its layers are shown as running."""
    panels, is_running = {}, frame.phase == "running"
    for layer, panel in frame.panels.items():
        shown = replace(panel, state="running") if is_running and panel.state == "stopped" else panel
        made = _panel(shown, shapes.get(layer, ""), measured.get(layer, Scores({})))
        side = None if thumbnails is None else thumbnails.side_of(panel.record.psnr_db)
        panels[layer] = replace(made, thumbnail=side)
    return panels


def _panel(panel: Panel, shape: str, measured: Scores) -> StagePanel:
    record = panel.record
    note = f"stopped at step {record.step}" if panel.state == "stopped" else ""
    return StagePanel(
        src=data_uri(panel.jpeg),
        shape=shape,
        psnr_db=record.psnr_db,
        feature=record.losses["feature"],
        ssim=measured["ssim"],
        lpips=measured["lpips"],
        step=record.step,
        evaluations=record.evaluations,
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
