"""The program evaluate: methods and baselines scored, pictures shared out, and work that is kept."""

import json
from pathlib import Path

import pytest

from explorer.decoders.checkpoint import (
    decoder_path,
)
from explorer.examples import EXAMPLES, load_example
from explorer.images import to_pil
from explorer.lines import append_line, read_lines
from tests.support.processes import launch
from trainers.evaluate import main as evaluate


@pytest.mark.slow
def test_two_processes_share_the_pictures_and_find_what_one_finds(tmp_path: Path, photos: Path) -> None:
    records = []
    for processes in (1, 2):
        out = tmp_path / f"out{processes}"
        words = [f"folder={photos}", f"out={out}", "weights=untrained", "layers=[layer1]", "threads=1"]
        words += ["methods=[optimiser]", "steps={optimiser: 2}", "iterative_pictures=2", "grid_pictures=0"]
        if processes == 1:
            assert evaluate(words) == 0
        else:
            launch(processes, "-m", "trainers.evaluate", *words)
        rows = json.loads((out / "table.json").read_text())["records"]
        for row in rows:
            del row["seconds"]
        records.append(sorted(rows, key=lambda row: (row["image"], row["method"])))
    assert len(records[0]) == 6  # Two pictures by one method and two baselines.
    assert records[0] == records[1]


def test_evaluation_scores_methods_and_baselines_and_goes_on_where_it_stopped(
    tmp_path: Path, photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = [f"folder={photos}", f"out={tmp_path / 'out'}", "weights=untrained", "layers=[layer1]"]
    words += [
        "methods=[optimiser]",
        "steps={optimiser: 2}",
        "iterative_pictures=1",
        "grid_pictures=1",
        "threads=1",
    ]
    (photos / "aaa-bad.jpg").write_bytes(b"no picture")
    assert evaluate(words) == 0
    assert "Skipped" in caplog.text
    assert "aaa-bad.jpg" in caplog.text
    (photos / "aaa-bad.jpg").unlink()
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    found = [(row["image"], row["method"]) for row in table["records"]]
    first, second = (path.name for path in sorted(photos.iterdir()))
    baselines = [(name, method) for name in (first, second) for method in ("mean image", "random pair")]
    assert sorted(found) == sorted([*baselines, (first, "optimiser")])
    assert (tmp_path / "out" / f"grid-{Path(first).stem}.png").is_file()
    (kept,) = (tmp_path / "out").glob("pictures-*/0.jsonl")
    line, *others = read_lines(kept)
    line["records"][0]["psnr_db"] = 99.0
    kept.unlink()
    for marked in (line, *others):
        append_line(kept, marked)
    assert evaluate(words) == 0
    assert json.loads((tmp_path / "out" / "table.json").read_text())["records"][0]["psnr_db"] == 99.0


def test_pictures_for_which_there_is_nothing_to_do_are_passed_over(tmp_path: Path, photos: Path) -> None:
    words = [f"folder={photos}", f"out={tmp_path / 'out'}", "weights=untrained", "layers=[layer1]"]
    words += ["methods=[optimiser]", "steps={optimiser: 2}", "iterative_pictures=1", "has_baselines=false"]
    assert evaluate([*words, "threads=1"]) == 0
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    assert [row["method"] for row in table["records"]] == ["optimiser"]


@pytest.mark.slow
def test_evaluation_keeps_pictures_of_one_name_apart(tmp_path: Path) -> None:
    for folder, name in zip("ab", EXAMPLES, strict=False):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        to_pil(load_example(name).images).save(tmp_path / "photos" / folder / "1.png")
    words = [f"folder={tmp_path / 'photos'}", f"out={tmp_path / 'out'}", "weights=untrained"]
    assert evaluate([*words, "layers=[layer1]", "methods=[]", "grid_pictures=0", "threads=1"]) == 0
    records = json.loads((tmp_path / "out" / "table.json").read_text())["records"]
    assert len({row["psnr_db"] for row in records if row["method"] == "mean image"}) == 2


@pytest.mark.slow
def test_evaluation_starts_afresh_when_a_decoder_it_uses_has_changed(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainers.evaluate.CHECKPOINTS", tmp_path)
    words = [f"folder={photos}", f"out={tmp_path / 'out'}", "weights=untrained", "layers=[layer1]"]
    words += ["methods=[]", "pictures=1", "grid_pictures=0", "threads=1"]
    (tmp_path / "backbone").mkdir()
    folders = []
    for layer, content in [("layer1", b"old"), ("layer2", b"unused"), ("layer1", b"new")]:
        decoder_path(tmp_path / "backbone", layer, "faithful").write_bytes(content)
        assert evaluate(words) == 0
        folders.append(len(list((tmp_path / "out").glob("pictures-*"))))
    assert folders == [1, 1, 2]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["folder="], "folder"),
        (["folder=x", "layers=[layer8]"], "layer8"),
        (["folder=x", "pixels=3"], "pixels"),
    ],
)
def test_bad_settings_end_with_one_line_and_exit_code_2(
    words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(words) == 2
    assert part in capsys.readouterr().err
