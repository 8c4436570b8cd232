"""Facts about the sweep: what it tries, that it resumes, and that it never reports on what it tuned on."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from trainers.config import ConfigError
from trainers.sweep import Sweep, combine, load_sweep, main
from trainers.sweep_table import Row, append_rows, draw, read_rows

GRID = {"decay": [0.5, 1.0], "optimiser": ["lbfgs", "adam"]}


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A sweep of two choices over three tiny made pictures of the untrained network."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    for index in range(3):
        pixels = torch.randint(0, 256, (40, 40, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"{index}.png")
    return [
        f"pictures={folder}",
        f"out={tmp_path / 'out'}",
        "weights=untrained",
        "grid.decay=[0.5,1.0]",
        "tuning=[0]",
        "report=[1,2]",
        "marks=[1,3]",
    ]


def row(**changes: object) -> Row:
    plain = {"layer": "layer1", "choice": "decay=1.0", "picture": "a.png", "mark": 25}
    return Row(**{**plain, "psnr_db": 20.5, "feature_error": 0.1, "seconds": 1.5, **changes})  # pyright: ignore[reportArgumentType]


def test_a_grid_is_every_combination_and_an_empty_grid_is_the_preset_itself():
    assert list(combine(GRID))[1] == "decay=0.5 optimiser=adam"
    assert len(list(combine(GRID))) == 4
    assert list(combine({})) == [""]


def test_rows_survive_the_file(tmp_path: Path):
    path = tmp_path / "sweep.csv"
    assert read_rows(path) == []
    append_rows(path, [row(), row(mark=50)])
    append_rows(path, [row(picture="b.png")])
    assert read_rows(path) == [row(), row(mark=50), row(picture="b.png")]


def test_the_figure_has_a_line_per_choice_of_means_over_pictures():
    rows = [row(psnr_db=20.0), row(psnr_db=22.0, picture="b.png"), row(choice="decay=0.5", mark=50)]
    figure = draw(rows, ["decay=1.0", "decay=0.5"])
    assert [line.name for line in figure.data] == ["decay=1.0", "decay=0.5"]  # pyright: ignore[reportAttributeAccessIssue, reportGeneralTypeIssues]
    assert list(figure.data[0].y) == [21.0]  # pyright: ignore[reportIndexIssue, reportAttributeAccessIssue]


def test_a_sweep_tunes_reports_on_other_pictures_and_resumes(
    words: list[str], monkeypatch: pytest.MonkeyPatch
):
    sweep = Sweep(load_sweep(words))
    best = sweep.tune()
    assert best in ("decay=0.5", "decay=1.0")
    sweep.report(best)
    assert {row.picture for row in sweep.rows if row.choice != best} == {"0.png"}
    assert len(sweep.rows) == (2 + 2) * 2

    again = Sweep(load_sweep(words))
    monkeypatch.setattr(again, "_measure", None)  # A second run that measured anything would fail.
    assert again.tune() == best
    again.report(best)
    assert again.rows == sweep.rows


def test_a_sweep_that_reports_on_tuning_pictures_is_refused(words: list[str]):
    with pytest.raises(ConfigError, match=r"share the pictures \[0\]"):
        load_sweep([*words, "report=[0,1]"])
    with pytest.raises(ConfigError, match="must be a folder"):
        load_sweep(["pictures=nowhere"])
    with pytest.raises(ConfigError, match="colour"):
        load_sweep([*words, "colour=red"])


def test_a_sweep_without_report_pictures_only_tunes(words: list[str], tmp_path: Path):
    assert main([*words, "report=[]"]) == 0
    assert {row.picture for row in read_rows(tmp_path / "out" / "sweep.csv")} == {"0.png"}
    assert (tmp_path / "out" / "sweep.html").is_file()
