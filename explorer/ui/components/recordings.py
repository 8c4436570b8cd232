"""Recorded runs: real races on the examples, made by the command `record`, replayed by the browser alone."""

import json
from dataclasses import asdict
from functools import cache
from typing import Any
from uuid import uuid4

from explorer.examples import load_example
from explorer.metrics.scores import Scores
from explorer.metrics.thumbnail import Thumbnails
from explorer.report.recording import recording_path
from explorer.ui.stage import StagePanel, StageValue, still
from explorer.ui.stage.captions import describe_layers, flat_psnr_db


def has_recording(example: str | None) -> bool:
    """Whether a run of this example ships with the page."""
    return example is not None and recording_path(example).is_file()


@cache
def read_recording(example: str) -> str:
    """Read an example's recorded run as the stage replays it."""
    content = json.loads(recording_path(example).read_text(encoding="utf-8"))
    original = load_example(example).images
    thumbnails = Thumbnails(original)
    frames = [
        {
            "seconds": frame["seconds"],
            "panels": {layer: asdict(_panel(given, thumbnails)) for layer, given in frame["panels"].items()},
        }
        for frame in content["frames"]
    ]
    scores = {layer: Scores.from_plain(given) for layer, given in content["scores"].items()}
    last = content["frames"][-1]["panels"]
    effort = {layer: (last[layer]["evaluations"], content["seconds"][layer]) for layer in scores}
    psnr_db = {layer: panel["psnr_db"] for layer, panel in last.items()}
    value = StageValue(
        run=uuid4().hex,
        original=still(original),
        captions=describe_layers(psnr_db, flat_psnr_db(original)),
        status=(
            f"A recorded run: {content['weights']} ({content['digest']}), {content['steps']} evaluations per "
            f"layer, seed {content['seed']}; {frames[-1]['seconds']:.0f} s when it was made."
        ),
    )
    return value.scored(scores, effort, is_trained=True).text(frames=frames)


def _panel(given: dict[str, Any], thumbnails: Thumbnails) -> StagePanel:
    return StagePanel(
        src=f"data:image/webp;base64,{given['webp']}",
        shape="",
        psnr_db=given["psnr_db"],
        feature=given["feature"],
        ssim=given.get("ssim"),
        lpips=given.get("lpips"),
        step=given["step"],
        evaluations=given["evaluations"],
        thumbnail=thumbnails.side_of(given["psnr_db"]),
    )
