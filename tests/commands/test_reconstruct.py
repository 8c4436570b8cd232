"""The command `reconstruct`: the promised files and the numbers of the saved pixels."""

import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torchvision.models import ResNet

from explorer.__main__ import main
from explorer.features.backbone import Backbone
from explorer.images import read_picture
from explorer.lab.lab import Lab
from explorer.lab.models import Models
from tests.support.running import SIDE, reconstruct


def test_reconstruct_writes_the_promised_files(tiny_lab: Lab, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert reconstruct(photo, "coffee", "--layers", "layer1,layer2.0+layer3", "--steps", 5, "--out", out) == 0
    names = {"original.png", "layer1-optimiser.png", "layer2.0+layer3-optimiser.png", "sheet.png"}
    assert {path.name for path in out.iterdir()} == {"my cat", "coffee", "report.json", "report.csv"}
    assert {path.name for path in (out / "my cat").iterdir()} == names
    assert {path.name for path in (out / "coffee").iterdir()} == names
    assert np.array_equal(
        np.asarray(PIL.Image.open(out / "my cat" / "original.png")), np.asarray(PIL.Image.open(photo))
    )


def test_the_report_holds_the_numbers_of_the_saved_pixels(tiny_lab: Lab, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    reconstruct(photo, "--layers", "layer2", "--steps", 5, "--seed", 7, "--out", out)
    report = json.loads((out / "report.json").read_text())
    (record,) = report["results"]
    saved = read_picture(out / "my cat" / "layer2-optimiser.png", size=SIDE).images
    original = read_picture(photo, size=SIDE).images
    squared_error = (saved - original).square().mean()
    assert record["psnr_db"] == pytest.approx(-10 * torch.log10(squared_error).item(), abs=1e-4)
    assert record["image"] == str(photo)
    assert record["layer"] == "layer2"
    assert record["method"] == "optimiser"
    assert record["steps"] == 5
    assert record["seconds"] > 0
    assert 0 < record["lpips"] < 1
    assert record["reasons"] == {}
    run = report["run"]
    assert run["weights"] == "tiny"
    assert run["fingerprint"] == "abcd1234"
    assert run["seed"] == 7
    assert run["trunks"]["layer2"] == tiny_lab.trunk("layer2").fingerprint
    assert run["settings"]["layer2"]["seed"] == 7
    assert run["settings"]["layer2"]["steps"] == 5


def test_the_command_in_the_report_repeats_the_run(tiny_lab: Lab, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    reconstruct(photo, "--layers", "layer1", "--steps", 4, "--out", out)
    picture = out / "my cat" / "layer1-optimiser.png"
    first = picture.read_bytes()
    command = json.loads((out / "report.json").read_text())["run"]["command_line"]
    picture.unlink()
    assert shlex.split(command)[:3] == ["python", "-m", "explorer"]
    assert main(shlex.split(command)[3:]) == 0
    assert picture.read_bytes() == first


def test_csv_and_json_hold_the_same_records(tiny_lab: Lab, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    reconstruct(photo, "--layers", "layer1,layer4", "--steps", 3, "--out", out)
    records = json.loads((out / "report.json").read_text())["results"]
    with (out / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["layer"], float(row["psnr_db"])) for row in rows] == [
        (record["layer"], record["psnr_db"]) for record in records
    ]


def test_seconds_alone_lift_the_step_budget_of_the_preset(tiny_lab: Lab, photo: Path, tmp_path: Path) -> None:
    reconstruct(photo, "--layers", "layer1", "--seconds", 0.2, "--out", tmp_path / "out")
    settings = json.loads((tmp_path / "out" / "report.json").read_text())["run"]["settings"]["layer1"]
    assert settings["steps"] is None
    assert settings["seconds"] == 0.2


def test_the_fallback_and_the_first_frame_are_said_on_stderr(
    tiny_network: ResNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fallback = Backbone(
        "untrained",
        tiny_network,
        "seed 0",
        None,
        tuple("abcdefghij"),
        "Untrained weights run.",
        is_fallback=True,
    )
    monkeypatch.setattr("explorer.lab.lab.Lab.load", lambda *_, **__: Lab(Models(fallback)))
    frames = [PIL.Image.new("RGB", (SIDE, SIDE), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "blink.gif", save_all=True, append_images=frames[1:])
    arguments = (tmp_path / "blink.gif", "--layers", "layer1", "--steps", 2, "--out", tmp_path / "out")
    assert reconstruct(*arguments) == 0
    said = capsys.readouterr().err
    assert "Untrained weights run." in said
    assert "blink.gif: Using the first frame." in said
    run = json.loads((tmp_path / "out" / "report.json").read_text())["run"]
    assert run["notice"] == "Untrained weights run."
    assert run["weights"] == "untrained"


@pytest.mark.slow
def test_the_real_network_is_inverted_from_a_shell(tmp_path: Path) -> None:
    arguments = ["reconstruct", "astronaut", "--weights", "compact", "--layers", "layer1", "--steps", "20"]
    arguments += ["--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "explorer", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (record,) = json.loads((tmp_path / "out" / "report.json").read_text())["results"]
    assert record["psnr_db"] > 15
    assert record["feature_error"] < 0.3
    assert 0 < record["lpips"] < 0.6
    assert "Traceback" not in done.stderr
    assert done.stdout == f"Wrote {tmp_path / 'out' / 'report.json'}\n"
