"""Recordings: what the command writes is what the page reads, and every shipped one is whole."""

from pathlib import Path

import pytest

from explorer.commands.record import FRAMES_KEPT, record
from explorer.examples import EXAMPLES, load_example
from explorer.features.layers import LAYERS
from explorer.inversion.settings import load_settings
from explorer.lab.lab import Lab
from explorer.report.recording import SHIPPED, read_recording, recording_path, write_recording


def test_a_recording_survives_its_file_and_ends_where_the_race_ended(tiny_lab: Lab, tmp_path: Path) -> None:
    settings = {layer: load_settings(layer, "optimiser", evaluations=6) for layer in LAYERS[:2]}
    recorded = record(tiny_lab, load_example("cat", size=64), settings)
    write_recording(recorded, tmp_path / "cat.json")
    assert read_recording(tmp_path / "cat.json") == recorded
    assert 2 <= len(recorded.frames) <= FRAMES_KEPT + 2
    for layer, panel in recorded.frames[-1].panels.items():
        assert panel.evaluations == 6
        assert panel.ssim == pytest.approx(recorded.scores[layer]["ssim"], abs=1e-4)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_ships_a_recording_of_all_layers(example: str) -> None:
    recording = read_recording(recording_path(example))
    assert recording.example == example
    assert set(recording.scores) == set(LAYERS)
    moments = [frame.seconds for frame in recording.frames]
    assert moments == sorted(moments)
    assert set(recording.frames[-1].panels) == set(LAYERS)
    assert recording_path(example).parent == SHIPPED
