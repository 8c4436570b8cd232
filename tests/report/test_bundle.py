"""Reports: whole or not at all, exact pixels, true numbers, and a command that can be pasted."""

import csv
import json
import math
import shlex
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest
import torch

from explorer.examples import load_example
from explorer.images import Picture, quantise, to_pil
from explorer.inversion.invert import Settings
from explorer.lab.race import Frame, Panel
from explorer.lab.run import Reconstruction
from explorer.metrics.functional import Scores
from explorer.report.bundle import (
    ReportError,
    Result,
    RunInfo,
    make_record,
    repeat_command,
    write_picture,
    write_tables,
    writing_into,
    zip_report,
)
from explorer.report.plots import LAYER_COLOURS
from explorer.report.sheet import MAX_FRAMES, contact_sheet, encode_gif, layer_panel, original_panel, race_gif

SCORES = Scores(20.5, 0.5, None, 0.04, 0.98, 0.6, {"lpips": "no weights here"})
RUN = RunInfo(
    command_line="python -m explorer reconstruct 'my cat.png' --out runs",
    weights="IMAGENET1K_V1",
    fingerprint="0676ba61",
    seed=3,
    settings={"layer1": Settings(seed=3), "layer4": None},
)


@pytest.fixture
def picture() -> Picture:
    return load_example("cat", size=64)


def make_result(layer: str = "layer1", scores: Scores = SCORES, seed: int = 0) -> Result:
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
    made = Reconstruction(layer=layer, method="optimiser", images=images, steps=100, seconds=3.25)
    return Result("photos/my cat.png", made, scores)


def names_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_report_has_the_promised_files_and_exact_pixels(tmp_path: Path, picture: Picture):
    out, result = tmp_path / "new" / "runs", make_result()
    with writing_into(out) as folder:
        write_picture(folder / "cat", picture, [result])
        write_tables(folder, RUN, [result])
        assert not out.exists()
    assert names_under(tmp_path / "new") == {
        f"runs/{name}"
        for name in (
            "report.json",
            "report.csv",
            "cat/original.png",
            "cat/layer1-optimiser.png",
            "cat/sheet.png",
        )
    }
    with PIL.Image.open(out / "cat" / "layer1-optimiser.png") as saved:
        assert np.array_equal(np.asarray(saved), np.asarray(to_pil(quantise(result.reconstruction.images))))


def test_the_manifest_says_what_ran_and_what_came_out(tmp_path: Path):
    write_tables(tmp_path, RUN, [make_result()])
    manifest = json.loads((tmp_path / "report.json").read_text())
    assert manifest["run"]["weights"] == "IMAGENET1K_V1" and manifest["run"]["fingerprint"] == "0676ba61"
    assert manifest["run"]["command_line"] == RUN.command_line and manifest["run"]["seed"] == 3
    assert (
        manifest["run"]["settings"]["layer1"]["seed"] == 3 and manifest["run"]["settings"]["layer4"] is None
    )
    assert manifest["run"]["versions"]["torch"] == torch.__version__.split("+")[0]
    assert manifest["results"] == [
        {
            "image": "photos/my cat.png",
            "layer": "layer1",
            "method": "optimiser",
            "psnr_db": 20.5,
            "ssim": 0.5,
            "lpips": None,
            "feature_error": 0.04,
            "feature_cosine": 0.98,
            "top5_agreement": 0.6,
            "steps": 100,
            "seconds": 3.25,
            "reasons": {"lpips": "no weights here"},
            "notice": None,
        }
    ]


def test_the_table_holds_the_same_records_as_the_manifest(tmp_path: Path):
    write_tables(tmp_path, RUN, [make_result("layer1"), make_result("layer2")])
    with (tmp_path / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    records = json.loads((tmp_path / "report.json").read_text())["results"]
    assert [list(row) for row in rows] == [list(record) for record in records]
    assert [row["layer"] for row in rows] == ["layer1", "layer2"]
    assert float(rows[0]["psnr_db"]) == 20.5 and rows[0]["lpips"] == ""
    assert rows[0]["reasons"] == "lpips: no weights here"


def test_an_infinite_feature_error_is_laid_to_the_target():
    record = make_record(make_result(scores=Scores(20.0, 0.5, 0.1, math.inf, 0.0, 1.0)))
    assert record["reasons"] == {"feature_error": "infinite: the target features are zero"}


def test_infinite_and_undefined_scores_become_null_with_a_reason():
    record = make_record(make_result(scores=Scores(math.inf, 1.0, 0.0, math.nan, 1.0, 1.0)))
    assert record["psnr_db"] is None and record["feature_error"] is None and record["ssim"] == 1
    assert record["reasons"] == {
        "psnr_db": "infinite: the pictures are equal",
        "feature_error": "undefined (not a number)",
    }


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, picture: Picture, problem: type[BaseException]):
    with pytest.raises(problem), writing_into(tmp_path / "deep" / "runs") as folder:
        write_picture(folder / "cat", picture, [make_result()])
        raise problem
    assert list(tmp_path.iterdir()) == []


def test_a_report_replaces_its_own_files_and_keeps_others(tmp_path: Path):
    (tmp_path / "report.json").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    with writing_into(tmp_path) as folder:
        write_tables(folder, RUN, [make_result()])
    assert names_under(tmp_path) == {"report.json", "report.csv", "mine.txt"}
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert json.loads((tmp_path / "report.json").read_text())["results"]


@pytest.mark.parametrize(("blocker", "kind"), [("report.json", "folder"), ("cat", "file")])
def test_nothing_moves_when_a_name_is_taken_by_the_other_kind(
    tmp_path: Path, picture: Picture, blocker: str, kind: str
):
    blocking = tmp_path / blocker
    blocking.mkdir() if kind == "folder" else blocking.write_text("mine")
    with pytest.raises(ReportError, match=f"{kind} .*{blocker}"), writing_into(tmp_path) as folder:
        for name in ("astronaut", "cat"):
            write_picture(folder / name, picture, [make_result()])
        write_tables(folder, RUN, [make_result()])
    assert list(tmp_path.iterdir()) == [blocking]


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path):
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    for out in (occupied, occupied / "below"):
        with pytest.raises(ReportError, match=r"Cannot write to .*file"), writing_into(out):
            pytest.fail("the work must not begin")


def test_the_repeating_command_survives_a_shell():
    arguments = ("reconstruct", "my cat's photo.png", "--set", "start=noise", "--out", "a b")
    assert shlex.split(repeat_command(*arguments)) == ["python", "-m", "explorer", *arguments]


def test_a_zip_holds_pictures_scores_settings_command_and_animation(picture: Picture):
    gif = encode_gif([to_pil(picture.images)])
    with ZipFile(BytesIO(zip_report(RUN, picture, [make_result()], gif))) as archive:
        content = {name.removeprefix("reconstructions/"): archive.read(name) for name in archive.namelist()}
    pictures = {"original.png", "layer1-optimiser.png", "sheet.png", "run.gif"}
    assert set(content) == pictures | {"metrics.csv", "config.json", "command.txt"}
    assert content["run.gif"] == gif
    assert content["command.txt"].decode().strip() == RUN.command_line
    assert json.loads(content["config.json"])["fingerprint"] == "0676ba61"


def test_a_sheet_shows_every_picture_pixel_for_pixel(picture: Picture):
    result = make_result("layer3")
    made = layer_panel(result.reconstruction.images, "layer3", "optimiser", SCORES)
    sheet = np.asarray(contact_sheet([original_panel(picture.images, "cat"), made]))
    for panel in (original_panel(picture.images, "cat"), made):
        window = np.lib.stride_tricks.sliding_window_view(sheet, (64, 64, 3))
        assert (window == np.asarray(panel.image)).all(axis=(3, 4, 5)).sum() == 1
    assert (sheet == tuple(bytes.fromhex(LAYER_COLOURS["layer3"][1:]))).all(axis=2).any()


def test_a_sheet_of_many_layers_wraps_and_long_names_stay_in_their_column(picture: Picture):
    panels = [original_panel(picture.images, "a name far longer than its picture is wide.jpeg")] * 7
    sheet = contact_sheet(panels)
    assert sheet.width == 5 * (64 + 16) + 16
    gap = np.asarray(sheet)[:, 16 + 64 : 16 + 64 + 16]
    assert (gap == 255).all()


def test_a_race_becomes_a_gif_that_ends_on_its_last_frame(picture: Picture):
    jpeg = BytesIO()
    to_pil(picture.images).save(jpeg, "JPEG")

    def frame(step: int) -> Frame:
        picture_bytes = jpeg.getvalue() if step == 0 else None
        panel = Panel(step, step, 0.0, {"feature": 1.0}, 10.0 + step, picture_bytes, "running", None)
        return Frame(seconds=step / 5, panels={"layer1": panel})

    with PIL.Image.open(BytesIO(race_gif(picture.images, map(frame, range(MAX_FRAMES * 2))))) as gif:
        durations = [frame.info["duration"] for frame in PIL.ImageSequence.Iterator(gif)]
        assert gif.format == "GIF" and gif.info["loop"] == 0
    assert 1 < len(durations) <= MAX_FRAMES and durations[-1] == 2000


def test_a_gif_without_frames_is_refused(picture: Picture):
    with pytest.raises(ValueError, match="at least one frame"):
        race_gif(picture.images, [])
