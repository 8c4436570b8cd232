"""The command line: the promised files and numbers, one clear line for bad input, nothing half-written."""

import csv
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torchvision.models import ResNet

from explorer.__main__ import main
from explorer.commands.reconstruct import folder_names
from explorer.examples import load_example
from explorer.features.backbone import Backbone
from explorer.images import read_picture, to_pil
from explorer.lab.lab import Lab
from explorer.lab.models import Models

SIDE = 64


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "my cat.png"
    to_pil(load_example("cat", size=SIDE).images).save(path)
    return path


def run_tiny(*arguments: object) -> int:
    return main(["reconstruct", *map(str, arguments), "--size", str(SIDE)])


def test_reconstruct_writes_the_promised_files(tiny_lab: Lab, photo: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert run_tiny(photo, "coffee", "--layers", "layer1,layer2.0+layer3", "--steps", 5, "--out", out) == 0
    names = {"original.png", "layer1-optimiser.png", "layer2.0+layer3-optimiser.png", "sheet.png"}
    assert {path.name for path in out.iterdir()} == {"my cat", "coffee", "report.json", "report.csv"}
    assert {path.name for path in (out / "my cat").iterdir()} == names
    assert {path.name for path in (out / "coffee").iterdir()} == names
    assert np.array_equal(
        np.asarray(PIL.Image.open(out / "my cat" / "original.png")), np.asarray(PIL.Image.open(photo))
    )


def test_the_report_holds_the_numbers_of_the_saved_pixels(tiny_lab: Lab, photo: Path, tmp_path: Path):
    out = tmp_path / "out"
    run_tiny(photo, "--layers", "layer2", "--steps", 5, "--seed", 7, "--out", out)
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


def test_the_command_in_the_report_repeats_the_run(tiny_lab: Lab, photo: Path, tmp_path: Path):
    out = tmp_path / "out"
    run_tiny(photo, "--layers", "layer1", "--steps", 4, "--out", out)
    picture = out / "my cat" / "layer1-optimiser.png"
    first = picture.read_bytes()
    command = json.loads((out / "report.json").read_text())["run"]["command_line"]
    picture.unlink()
    assert shlex.split(command)[:3] == ["python", "-m", "explorer"]
    assert main(shlex.split(command)[3:]) == 0
    assert picture.read_bytes() == first


def test_csv_and_json_hold_the_same_records(tiny_lab: Lab, photo: Path, tmp_path: Path):
    out = tmp_path / "out"
    run_tiny(photo, "--layers", "layer1,layer4", "--steps", 3, "--out", out)
    records = json.loads((out / "report.json").read_text())["results"]
    with (out / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["layer"], float(row["psnr_db"])) for row in rows] == [
        (record["layer"], record["psnr_db"]) for record in records
    ]


def test_seconds_alone_lift_the_step_budget_of_the_preset(tiny_lab: Lab, photo: Path, tmp_path: Path):
    run_tiny(photo, "--layers", "layer1", "--seconds", 0.2, "--out", tmp_path / "out")
    settings = json.loads((tmp_path / "out" / "report.json").read_text())["run"]["settings"]["layer1"]
    assert settings["steps"] is None
    assert settings["seconds"] == 0.2


def test_pictures_of_one_name_get_folders_of_their_own():
    assert folder_names(["cat", "cat", "Cat", "report.json"]) == ["cat", "cat-2", "Cat-3", "report.json-2"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--layers", "layer9"], "Unknown layer 'layer9'"),
        (["--layers", ","], "not a set of nodes"),
        (["--method", "magic"], "invalid choice: 'magic'"),
        (["--method", "decoder"], "not available for these weights yet"),
        (["--preset", "wild"], "Unknown preset 'wild'"),
        (["--steps", "0"], "steps must be above 0, not 0"),
        (["--steps", "-3"], "steps must be above 0, not -3"),
        (["--steps", "many"], "invalid int value: 'many'"),
        (["--seconds", "-1"], "seconds must be above 0"),
        (["--seconds", "nan"], "seconds must be above 0"),
        (["--seed", "99999999999999999999"], "seed must be from 0"),
        (["--size", "8"], "--size: must be from 32 to 2048, not 8"),
        (["--size", "5000000"], "--size: must be from 32 to 2048, not 5000000"),
        (["--set", "steps=[1"], "Couldn't read 'steps=[1' as YAML"),
        (["--layers", "x"], "Unknown layer 'x'"),  # The network's input node: the picture itself.
        (["--set", "colour=red"], "Unknown setting 'colour'"),
        (["--set", "optimiser=sgd"], "'sgd'"),
        (["--set", "optimiser"], "write key=value"),
    ],
)
def test_bad_options_are_one_clear_line(
    tiny_lab: Lab, photo: Path, tmp_path: Path, capsys, arguments: list[str], complaint: str
):
    before = sorted(tmp_path.iterdir())
    assert status_of(photo, "--layers", "layer1", "--out", tmp_path / "out", *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("explorer: error: ")
    assert complaint in line
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"plain text", "Couldn't read this file as an image"),
        (b"<svg/>", "Couldn't read this file as an image"),
        (None, "No such file"),
    ],
)
def test_bad_pictures_are_one_clear_line_that_names_the_file(
    tiny_lab: Lab, photo: Path, tmp_path: Path, capsys, content: bytes | None, complaint: str
):
    bad = tmp_path / "bad.jpg"
    if content is not None:
        bad.write_bytes(content)
    assert status_of(photo, bad, "--out", tmp_path / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(bad) in line
    assert complaint in line
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_refused_before_the_models_load(photo: Path, monkeypatch, capsys):
    monkeypatch.setattr("explorer.lab.lab.Lab.load", lambda *_, **__: pytest.fail("loaded too early"))
    assert status_of(photo, "--out", photo / "below") == 2
    assert "Cannot write to" in capsys.readouterr().err


def test_unknown_weights_are_named(photo: Path, tmp_path: Path, capsys):
    assert status_of(photo, "--weights", "IMAGENET9", "--out", tmp_path / "out") == 2
    assert "Unknown weights 'IMAGENET9'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_leaves_nothing_behind(
    tiny_lab: Lab, photo: Path, tmp_path: Path, monkeypatch, capsys
):
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(tiny_lab, "score", interrupt)
    assert run_tiny(photo, "--layers", "layer1", "--steps", 2, "--out", tmp_path / "deep" / "out") == 130
    assert "nothing was written" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_a_terminated_run_leaves_nothing_behind(tmp_path: Path):
    arguments = "reconstruct cat --weights untrained --layers layer1 --steps 100000 --out"
    command = [sys.executable, "-m", "explorer", *arguments.split(), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(tmp_path.iterdir()):
            time.sleep(0.05)
        process.terminate()
        assert process.stderr is not None
        assert "nothing was written" in process.stderr.read()
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_the_fallback_and_the_first_frame_are_said_on_stderr(
    tiny_network: ResNet, tmp_path: Path, monkeypatch, capsys
):
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
    assert run_tiny(*arguments) == 0
    said = capsys.readouterr().err
    assert "Untrained weights run." in said
    assert "blink.gif: Using the first frame." in said
    run = json.loads((tmp_path / "out" / "report.json").read_text())["run"]
    assert run["notice"] == "Untrained weights run."
    assert run["weights"] == "untrained"


def test_the_real_network_is_inverted_from_a_shell(tmp_path: Path):
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


def status_of(*arguments: object) -> int:
    """Run `reconstruct`, also where argparse itself ends the program."""
    try:
        return main(["reconstruct", *map(str, arguments)])
    except SystemExit as ended:
        return int(ended.code or 0)
