"""Recorded runs on the page: what the browser replays says what the file holds."""

import json
from typing import Any

import pytest

from explorer.examples import EXAMPLES
from explorer.features.layers import LAYERS
from explorer.metrics.scores import METRICS
from explorer.report.recording import read_recording, recording_path
from explorer.ui.components.recordings import has_recording, write_replay


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def replay(example: str) -> dict[str, Any]:
    return json.loads(write_replay(example))


def test_every_example_has_a_recording_and_an_own_picture_has_none(example: str) -> None:
    assert has_recording(example)
    assert not has_recording("holiday")
    assert not has_recording(None)


def test_every_frame_shows_the_recorded_numbers(example: str, replay: dict[str, Any]) -> None:
    recorded = read_recording(recording_path(example)).frames
    assert [frame["seconds"] for frame in replay["frames"]] == [frame.seconds for frame in recorded]
    for shown, frame in zip(replay["frames"], recorded, strict=True):
        assert set(shown["panels"]) == set(frame.panels)
        for layer, panel in frame.panels.items():
            given = shown["panels"][layer]
            numbers = ("psnr_db", "feature", "ssim", "lpips", "step", "evaluations")
            assert [given[name] for name in numbers] == [getattr(panel, name) for name in numbers]
            assert given["src"] == f"data:image/webp;base64,{panel.webp}"


def test_the_table_holds_the_final_scores_of_every_layer(example: str, replay: dict[str, Any]) -> None:
    recording = read_recording(recording_path(example))
    rows = {row["layer"]: row["cells"] for row in replay["table"]["rows"]}
    assert set(rows) == set(LAYERS)
    for layer, cells in rows.items():
        assert METRICS["psnr_db"].show(recording.scores[layer]["psnr_db"]) in cells
        assert str(recording.frames[-1].panels[layer].evaluations) in cells


def test_the_status_says_what_it_takes_to_repeat_the_run(example: str, replay: dict[str, Any]) -> None:
    recording = read_recording(recording_path(example))
    assert recording.weights in replay["status"]
    assert f"{recording.steps} evaluations per layer, seed {recording.seed}" in replay["status"]
    assert replay["captions"][0]["about"] == ["layer1"]
