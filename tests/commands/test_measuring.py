"""The commands that measure: their tables, as text and as JSON, that they resume, and what they refuse."""

import json
from pathlib import Path

import pytest

from explorer.commands.tune import combine
from explorer.examples import load_example
from explorer.images import to_pil
from explorer.lab.lab import Lab
from tests.support.running import SIDE, run_command

pytestmark = pytest.mark.usefixtures("fast_judge")

TINY = ["--layers", "layer1", "--steps", "4", "--size", str(SIDE)]
ONE = ["--tuning", "0", "--report"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three small photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("astronaut", "cat", "coffee"):
        to_pil(load_example(name, size=SIDE).images).save(folder / f"{name}.png")
    return folder


def refuse_to_measure(*_: object) -> None:
    raise AssertionError("this was measured before")


@pytest.mark.slow
def test_benchmark_prints_tables_and_json(tiny_lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["benchmark", *TINY, "--rounds", "2", "--race-seconds", "0.3", "--images", "cat"]
    assert run_command(*words) == 0
    assert "step_times" in capsys.readouterr().out
    assert run_command(*words, "--json") == 0
    tables = json.loads(capsys.readouterr().out)
    assert list(tables) == ["machine", "step_times", "decode_times", "race", "time_to_quality"]
    (times,) = tables["step_times"]
    assert times["layer"] == "layer1"
    assert times["ratio"] > 0
    assert times["bare_ms"] > 0
    assert times["gflop"] > 0
    assert times["share_of_rate"] > 0
    assert times["precision"] in ("float32", "bfloat16")
    assert tables["machine"][0]["convolution_gflops"] > 0
    assert [race["neighbours"] for race in tables["race"]] == [0, 1]
    assert all(race["evaluations_per_second"] > 0 and race["share_of_rate"] > 0 for race in tables["race"])
    assert tables["time_to_quality"][-1] == {
        "layer": "layer1", "psnr_db": 24, "reached": 0, "pictures": 1, "seconds": None
    }  # fmt: skip


def test_quality_averages_the_first_files_of_a_folder(
    tiny_lab: Lab, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command("quality", photos, *TINY, "--count", 2, "--json") == 0
    cells = {cell["figure"]: cell for cell in json.loads(capsys.readouterr().out)["quality"]}
    assert cells["psnr_db"]["pictures"] == 2
    assert cells["steps"]["mean"] == 4
    assert 0 < cells["lpips"]["mean"] < 1
    assert cells["psnr_db"]["mean"] > 0
    assert cells["psnr_db"]["half_width"] > 0


def test_what_cannot_be_read_is_skipped_by_name_and_class_folders_are_walked(
    tiny_lab: Lab, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "owls").mkdir()
    (photos / "cat.png").rename(photos / "owls" / "cat.png")
    for name in (".DS_Store", "Thumbs.db", "notes.txt", "a-bad.jpg", "owls/._cat.png"):
        (photos / name).write_bytes(b"no picture")
    assert run_command("quality", photos, *TINY, "--count", 3, "--json") == 0
    said = capsys.readouterr()
    assert {cell["pictures"] for cell in json.loads(said.out)["quality"]} == {3}
    assert "Skipped .DS_Store, Thumbs.db, notes.txt and 1 more: no pictures by their names." in said.err
    assert "Skipped a-bad.jpg: Couldn't read this file as an image." in said.err


def test_a_folder_of_nothing_readable_is_one_line(
    tiny_lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no")
    assert run_command("quality", tmp_path, *TINY) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line == f"explorer: error: Not one of 1 pictures in {tmp_path} can be read."


def test_quality_as_text_has_the_interval_beside_the_mean(
    tiny_lab: Lab, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command("quality", photos, *TINY) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "PSNR, dB" in lines[1]
    assert " ± " in lines[2]


def test_compare_runs_the_loops_draws_them_and_resumes(
    tiny_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("explorer.benchmarks.baselines.EVALUATIONS", 12)
    out = tmp_path / "comparison"
    words = ["compare", out, *TINY, "--images", "cat", "--methods", "cold,adam,mahendran-vedaldi", "--json"]
    assert run_command(*words) == 0
    tables = json.loads(capsys.readouterr().out)
    ends = {(cell["method"], cell["figure"]): cell["mean"] for cell in tables["ends"]}
    assert ends["cold", "steps"] == 4
    assert ends["adam", "steps"] == 12
    assert tables["speed_ups"][0]["pictures"] == 1
    assert {path.name for path in out.iterdir()} == {"curves.jsonl", "comparison.png"}
    monkeypatch.setattr("explorer.benchmarks.comparison.take_turns", refuse_to_measure)
    assert run_command(*words) == 0
    assert json.loads(capsys.readouterr().out) == tables


def test_tune_reports_the_best_choice_on_pictures_it_has_not_seen(
    tiny_lab: Lab, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tune", photos, *TINY, "--grid", "decay=[0.5,1.0]", "--out", tmp_path / "out", "--json"]
    assert run_command(*words, "--tuning", 0, "--report", 1, 2) == 0
    tables = json.loads(capsys.readouterr().out)
    tuned = {cell["method"]: cell["mean"] for cell in tables["tuning"] if cell["figure"] == "psnr_db"}
    assert set(tuned) == {"decay=0.5", "decay=1.0"}
    assert {cell["method"] for cell in tables["report"]} == {max(tuned, key=lambda choice: tuned[choice])}
    assert {cell["pictures"] for cell in tables["report"]} == {2}
    assert (tmp_path / "out" / "tuning.png").is_file()


def test_tune_without_report_pictures_only_tunes(
    tiny_lab: Lab, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tune", photos, *TINY, "--out", tmp_path / "out", "--tuning", 0, "--report", "--json"]
    assert run_command(*words) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["tuning"]


def test_a_grid_is_every_combination_and_an_empty_grid_is_the_preset_itself() -> None:
    choices = combine({"decay": [0.5, 1.0], "optimiser": ["lbfgs", "adam"]})
    assert choices["decay=0.5 optimiser=adam"] == {"decay": 0.5, "optimiser": "adam"}
    assert len(choices) == 4
    assert combine({}) == {"preset": {}}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["quality", "EMPTY"], "No pictures to measure"),
        (["quality", "PHOTOS", "--count", "0"], "must be at least 1"),
        (["compare", "OUT", "--methods", "magic"], "Unknown method 'magic'"),
        (
            ["compare", "OUT", *TINY[2:], "--layers", "layer1+layer2", "--methods", "adam"],
            "one layer at a time",
        ),
        (["tune", "PHOTOS", "--out", "OUT", "--tuning", "0", "--report", "0", "1"], "share the pictures [0]"),
        (["tune", "PHOTOS", "--out", "OUT", "--tuning", "7", "--report"], "there is no 7"),
        (
            ["tune", "PHOTOS", "--out", "OUT", "--tuning", "0", "--report", "--grid", "decay=1"],
            "a list of values",
        ),
        (["tune", "PHOTOS", "--out", "OUT", *ONE, "--grid", "colour=[red]"], "colour"),
        (["tune", "PHOTOS", "--out", "OUT", *ONE, "--layers", "layer9"], "layer9"),
    ],
)
def test_bad_input_is_one_clear_line(
    tiny_lab: Lab,
    photos: Path,
    tmp_path: Path,
    words: list[str],
    part: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"PHOTOS": photos, "EMPTY": tmp_path / "empty", "OUT": tmp_path / "out"}
    assert run_command(*(places.get(word, word) for word in words)) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("explorer: error: ")
    assert part in line
