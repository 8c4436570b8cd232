"""What commands take in: pictures with a name of their own each, whatever their files are called."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

from explorer.commands.inputs import read_pictures, say_at_times
from explorer.lab.lab import Lab
from tests.support.running import SIDE, reconstruct, run_command
from tests.support.tiny import stand_in

ODD = os.fsdecode(b"k\xe4se.png")  # Latin-1, as old systems wrote it.


def test_pictures_of_one_name_are_all_there(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Path(shutil.copy(photo, tmp_path / "other" / photo.name))
    given = read_pictures([str(photo), str(other), str(photo), "cat"], size=SIDE)
    assert [one.picture.name for one in given] == ["my cat", "my cat-2", "cat"]
    assert [one.example for one in given] == [None, None, "cat"]


def test_a_name_of_dots_writes_into_the_folder_alone(tiny_lab: Lab, photo: Path, tmp_path: Path) -> None:
    dots = Path(shutil.copy(photo, tmp_path / "...png"))
    assert reconstruct(dots, "--layers", "layer1", "--steps", 2, "--out", tmp_path / "deep" / "out") == 0
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"out"}
    assert (tmp_path / "deep" / "out" / "picture" / "original.png").is_file()


def test_a_name_that_is_not_utf8_is_shown_with_replacements(
    tiny_lab: Lab, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd, out = Path(shutil.copy(photo, tmp_path / ODD)), tmp_path / "out"
    assert reconstruct(odd, "--layers", "layer1", "--steps", 2, "--out", out) == 0
    assert (out / "k_se" / "sheet.png").is_file()
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["results"][0]["image"] == str(tmp_path / "k_se.png")
    with (out / "report.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["image"] == str(tmp_path / "k_se.png")
    words = subprocess.run(
        ["sh", "-c", report["run"]["command_line"].replace("python", "printf '%s\\n'", 1)],
        capture_output=True,
        check=True,
    )
    assert os.fsencode(odd) in words.stdout.splitlines()


@pytest.mark.slow
def test_an_experiment_repeats_with_a_name_that_is_not_utf8(
    coarse_lab: Lab, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, out = Path(shutil.copy(photo, tmp_path / ODD)), tmp_path / "out"
    stand_in(coarse_lab, monkeypatch)
    monkeypatch.setattr("explorer.commands.explore.SIZE", SIDE)
    words = ["surgery", odd, "--layers", "layer1", "--out", out]
    assert run_command("explore", *words) == 0
    assert repr(str(odd)).strip("'") in (out / "repeat.py").read_text(encoding="utf-8")
    assert json.loads((out / "report.json").read_text())["run"]["pictures"] == [str(tmp_path / "k_se.png")]


def test_a_crop_is_the_square_that_is_inverted(tiny_lab: Lab, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("--layers", "layer1", "--steps", 2, "--crop", "0.25,0.75,0.5", "--out", out)
    assert reconstruct(photo, *words) == 0
    with PIL.Image.open(photo) as image, PIL.Image.open(out / photo.stem / "original.png") as original:
        left, top = round(0.25 * image.width - 0.25 * SIDE), round(0.75 * image.height - 0.25 * SIDE)
        box = (left, top, left + SIDE // 2, top + SIDE // 2)
        expected = image.convert("RGB").resize((SIDE, SIDE), PIL.Image.Resampling.BICUBIC, box=box)
        assert np.array_equal(np.asarray(original), np.asarray(expected))
    assert "--crop 0.25,0.75,0.5" in json.loads((out / "report.json").read_text())["run"]["command_line"]


@pytest.mark.parametrize("text", ["0.5,0.5", "0.5,0.5,0", "a,b,c", "0,0,2", "nan,0,1", "0,0,1,1", ""])
def test_a_crop_that_is_none_is_refused_in_one_sentence(
    photo: Path, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reconstruct(photo, f"--crop={text}", "--out", tmp_path / "out") == 2
    assert "must be X,Y,SIDE from 0 to 1" in capsys.readouterr().err


def test_how_far_something_is_is_said_at_once_and_then_once_in_a_while(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([10.0, 11.0, 13.5, 14.0])
    # Not the module's own clock, by which every event loop of this process runs.
    monkeypatch.setattr("explorer.commands.inputs.time", SimpleNamespace(monotonic=lambda: next(clock)))
    tell = say_at_times(seconds=3)
    for share in (0, 25, 50, 75):
        tell(f"{share}%")
    assert capsys.readouterr().err.split() == ["0%", "50%"]
