"""The program train: resumes exactly after a kill, leaves all it promises, and says what is wrong."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from explorer.decoders.architecture import ARCHITECTURES
from explorer.decoders.checkpoint import load_decoder
from explorer.decoders.network import DecoderNetwork
from tests.support.datasets import grey_stream
from tests.support.small import SMALL, small_words
from trainers.fitting.decoding import take_branch
from trainers.runs.run_folder import RunFolder
from trainers.train import main

ROOT = Path(__file__).parents[2]


def final_weights(out: Path) -> dict[str, torch.Tensor]:
    state = RunFolder(out / "layer1-faithful").load_state()
    assert state is not None
    return state["network"]


@pytest.mark.slow
def test_killed_training_resumes_to_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    words = ["steps=12", "save_every=2", "log_every=2"]
    assert main(["layer1", *small_words(tmp_path / "whole", *words)]) == 0
    command = [sys.executable, "-m", "trainers.train", "layer1", *small_words(tmp_path / "killed", *words)]
    process = subprocess.Popen(command, cwd=ROOT)
    state = tmp_path / "killed" / "layer1-faithful" / "state.pt"
    deadline = time.monotonic() + 120
    while not state.is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(state.parent.glob("*.safetensors")) or load_decoder(
        next(state.parent.glob("*.safetensors"))
    )
    stopped = RunFolder(state.parent).load_state()
    assert stopped is not None
    assert 0 < stopped["step"] < 12
    assert main(["layer1", *small_words(tmp_path / "killed", *words)]) == 0
    expected, found = final_weights(tmp_path / "whole"), final_weights(tmp_path / "killed")
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], atol=1e-6, rtol=1e-5)


def test_finished_run_leaves_a_decoder_a_history_a_curve_and_a_manifest(
    tmp_path: Path, photo_folder: Path
) -> None:
    words = small_words(
        tmp_path, "steps=2", "save_every=1", "log_every=1", f"validation_folder={photo_folder}"
    )
    assert main(["layer1", *words, "validation_pictures=2"]) == 0
    folder = tmp_path / "layer1-faithful"
    names = {path.name for path in folder.iterdir()}
    assert {"state.pt", "history.csv", "loss.png", "manifest.json", "layer1-faithful.safetensors"} <= names
    assert any(path.name.startswith("events") for path in folder.rglob("*"))
    card = load_decoder(folder / "layer1-faithful.safetensors").card
    assert (card.steps, card.pictures) == (2, 8)
    assert card.figures["training_validation_psnr_db"] > 0


def test_empty_folder_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, "data.source=folder", f"data.folder={tmp_path / 'empty'}", f"out={tmp_path}"]
    (tmp_path / "empty").mkdir()
    assert main(["layer1", *words]) == 2
    assert "No pictures" in capsys.readouterr().err


def test_broken_validation_picture_is_one_line_that_names_it_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "held out").mkdir()
    (tmp_path / "held out" / "bad.jpg").write_bytes(b"no")
    words = small_words(tmp_path, "steps=1", f"validation_folder={tmp_path / 'held out'}")
    assert main(["layer1", *words]) == 2
    assert "bad.jpg: Couldn't read" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "part"), [(["data.dataset=/no/such/folder"], "/no/such/folder"), (["data.split=moon"], "moon")]
)
def test_a_stream_that_cannot_be_had_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], part: str
) -> None:
    stream = [
        "data.source=hf",
        "data.size=32",
        f"data.dataset={grey_stream(tmp_path / 'grey', 4, 1).dataset}",
    ]
    assert main(["layer1", *SMALL, *stream, f"out={tmp_path / 'out'}", *words]) == 2
    assert part in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_training_on_the_plateau_schedule_stops_when_its_curve_is_flat_and_counts_what_its_start_saw(
    tmp_path: Path, photo_folder: Path
) -> None:
    words = ["save_every=1", "log_every=1", f"validation_folder={photo_folder}", "validation_pictures=1"]
    assert main(["layer1", *small_words(tmp_path / "first", "steps=1", *words)]) == 0
    start = tmp_path / "first" / "layer1-faithful" / "layer1-faithful.safetensors"
    flat = ["optimiser.schedule=plateau", "optimiser.patience=1", "optimiser.min_gain_db=100"]
    flat += ["optimiser.final_fraction=0.25", f"start={start}", "steps=50"]
    assert main(["layer1", *small_words(tmp_path, *words, *flat)]) == 0
    # The first figure is a gain over nothing; the second and third halve the rate to a quarter.
    assert load_decoder(tmp_path / "layer1-faithful" / "layer1-faithful.safetensors").card.steps == 1 + 3


@pytest.mark.slow
def test_a_decoder_of_another_shape_gives_the_parts_of_its_branch_that_fit(tmp_path: Path) -> None:
    assert main(["layer1", *small_words(tmp_path, "steps=1")]) == 0
    path = tmp_path / "layer1-faithful" / "layer1-faithful.safetensors"
    network = DecoderNetwork(replace(ARCHITECTURES["layer1"], linear_reach=2))
    take_branch(network, load_decoder(path).network)
    trained = load_decoder(path).network.state_dict()
    assert torch.equal(network.state_dict()["scales.0.0.first.weight"], trained["scales.0.0.first.weight"])
    assert not network.state_dict()["linear_in.weight"].equal(trained["linear_in.weight"])
