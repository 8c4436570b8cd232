"""Reports: whole or not at all, exact pixels, true numbers, and a command that can be pasted."""

import csv
import json
import math
import shlex
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import PIL.Image
import pytest
import torch

from explorer.examples import load_example
from explorer.files import writing_into
from explorer.images import Picture, quantise, to_pil
from explorer.inversion.settings import Settings
from explorer.lab.run import Reconstruction
from explorer.metrics.scores import METRICS, Scores
from explorer.report.animation import encode_gif
from explorer.report.bundle import (
    Result,
    RunInfo,
    make_record,
    repeat_command,
    write_picture,
    write_tables,
    zip_report,
)

VALUES = {
    "psnr_db": 20.5,
    "ssim": 0.5,
    "lpips": None,
    "feature_error": 0.04,
    "feature_cosine": 0.98,
    "top5_agreement": 0.6,
    "thumbnail_side": 14.0,
    "top1_agreement": 1.0,
    "recognised_top1": 0.0,
    "recognised_top5": 1.0,
}
SCORES = Scores(VALUES, {"lpips": "no weights here"})
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
    made = Reconstruction(layer=layer, method="optimiser", images=images, evaluations=100, seconds=3.25)
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
    assert manifest["run"]["weights"] == "IMAGENET1K_V1"
    assert manifest["run"]["fingerprint"] == "0676ba61"
    assert manifest["run"]["command_line"] == RUN.command_line
    assert manifest["run"]["seed"] == 3
    assert manifest["run"]["settings"]["layer1"]["seed"] == 3
    assert manifest["run"]["settings"]["layer4"] is None
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
            "thumbnail_side": 14.0,
            "top1_agreement": 1.0,
            "recognised_top1": 0.0,
            "recognised_top5": 1.0,
            "farther_pairs": None,
        }
    ]


def test_the_table_holds_the_same_records_as_the_manifest(tmp_path: Path):
    write_tables(tmp_path, RUN, [make_result("layer1"), make_result("layer2")])
    with (tmp_path / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    records = json.loads((tmp_path / "report.json").read_text())["results"]
    assert [list(row) for row in rows] == [list(record) for record in records]
    assert [row["layer"] for row in rows] == ["layer1", "layer2"]
    assert float(rows[0]["psnr_db"]) == 20.5
    assert rows[0]["lpips"] == ""
    assert rows[0]["reasons"] == "lpips: no weights here"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_the_table_is_a_formula(tmp_path: Path, start: str):
    result = replace(make_result(), image=f"{start}HYPERLINK(1).png")
    write_tables(tmp_path, RUN, [replace(result, scores=Scores({**VALUES, "psnr_db": -1.5}))])
    with (tmp_path / "report.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["image"] == f"'{start}HYPERLINK(1).png"
    assert float(row["psnr_db"]) == -1.5
    assert json.loads((tmp_path / "report.json").read_text())["results"][0]["image"] == result.image


def test_the_columns_that_other_programs_read_keep_their_places():
    contract = ["image", "layer", "method", "psnr_db", "ssim", "lpips", "feature_error", "feature_cosine"]
    contract += ["top5_agreement", "steps", "seconds", "reasons", "notice"]
    later = [key for key in METRICS if key not in contract]
    assert list(make_record(make_result())) == [*contract, *later, "farther_pairs"]


def test_the_manifest_keeps_the_order_of_its_keys(tmp_path: Path):
    write_tables(tmp_path, RUN, [make_result()])
    manifest = json.loads((tmp_path / "report.json").read_text())
    assert list(manifest) == ["run", "results"]
    run = ["versions", "seed", "settings", "weights", "fingerprint", "trunks", "notice", "command_line"]
    assert list(manifest["run"]) == [*run, "crop"]


def test_an_infinite_feature_error_is_laid_to_the_target():
    record = make_record(make_result(scores=Scores({**VALUES, "feature_error": math.inf})))
    assert record["reasons"] == {"feature_error": "infinite: the target features are zero"}


def test_infinite_and_undefined_scores_become_null_with_a_reason():
    record = make_record(
        make_result(scores=Scores({**VALUES, "psnr_db": math.inf, "feature_error": math.nan}))
    )
    assert record["psnr_db"] is None
    assert record["feature_error"] is None
    assert record["ssim"] == 0.5
    assert record["reasons"] == {
        "psnr_db": "infinite: the pictures are equal",
        "feature_error": "undefined (not a number)",
    }


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
