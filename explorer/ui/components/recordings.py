"""Recorded runs: real races on the examples, made by the command `record`, replayed by the browser alone."""

from dataclasses import asdict
from functools import cache
from typing import TypeGuard
from uuid import uuid4

from explorer.examples import load_example
from explorer.features.network import RESNET50_NETWORK, Network
from explorer.images import Images, read_picture
from explorer.metrics.thumbnail import Thumbnails
from explorer.report.recording import RecordedPanel, Recording, read_recording, recording_path, still_path
from explorer.ui.stage import StagePanel, StageValue, still
from explorer.ui.stage.captions import describe_layers, flat_psnr_db


def has_recording(example: str | None, network: Network = RESNET50_NETWORK) -> TypeGuard[str]:
    """Whether a run of this example on this network ships with the page: all that do are of ResNet-50."""
    return network.is_resnet50 and example is not None and recording_path(example).is_file()


@cache
def write_replay(example: str) -> str:
    """Write an example's recorded run as the stage replays it."""
    recording = read_recording(recording_path(example))
    original = load_example(example).images
    thumbnails = Thumbnails(original)
    frames = [
        {
            "seconds": frame.seconds,
            "panels": {layer: asdict(_show(panel, thumbnails)) for layer, panel in frame.panels.items()},
        }
        for frame in recording.frames
    ]
    last = recording.frames[-1].panels
    effort = {layer: (last[layer].evaluations, recording.seconds[layer]) for layer in recording.scores}
    psnr_db = {layer: panel.psnr_db for layer, panel in last.items()}
    value = StageValue(
        run=uuid4().hex,
        original=still(original),
        captions=describe_layers(psnr_db, flat_psnr_db(original)),
        status=_describe(recording),
    )
    return value.scored(recording.scores, effort, is_trained=True).text(frames=frames)


@cache
def read_deepest(example: str) -> Images | None:
    """Read what a search has made of an example's last layer, if that ships."""
    path = still_path(example)
    return read_picture(path).images if path.is_file() else None


def _describe(recording: Recording) -> str:
    return (
        f"A recorded run: {recording.weights} ({recording.digest}), {recording.steps} evaluations per "
        f"layer, seed {recording.seed}; {recording.frames[-1].seconds:.0f} s when it was made."
    )


def _show(panel: RecordedPanel, thumbnails: Thumbnails) -> StagePanel:
    return StagePanel(
        src=f"data:image/webp;base64,{panel.webp}",
        shape="",
        psnr_db=panel.psnr_db,
        feature=panel.feature,
        ssim=panel.ssim,
        lpips=panel.lpips,
        step=panel.step,
        evaluations=panel.evaluations,
        thumbnail=thumbnails.side_of(panel.psnr_db),
    )
