"""A metric is one entry in METRICS: reports, sheets, tables and the page's data show it without more."""

import csv
import json
from pathlib import Path

import pytest
import torch

from explorer.__main__ import main
from explorer.benchmarks.table import lay_out, summarise, to_markdown
from explorer.examples import load_example
from explorer.images import to_pil
from explorer.lab.lab import Lab
from explorer.metrics.scores import METRICS, Metric
from explorer.report.sheet import layer_panel
from explorer.ui.stage.table import make_row, make_table


def brightness_gap(images: torch.Tensor, original: torch.Tensor) -> torch.Tensor:
    return (images.flatten(1).mean(1) - original.flatten(1).mean(1)).abs()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Metric:
    metric = Metric("brightness_gap", "brightness gap", "%", 1, "lower", "pictures", brightness_gap)
    monkeypatch.setitem(METRICS, metric.key, metric)
    return metric


@pytest.mark.slow
def test_a_toy_metric_is_shown_everywhere(toy: Metric, tiny_lab: Lab, tmp_path: Path) -> None:
    picture = load_example("cat", size=64)
    to_pil(picture.images).save(tmp_path / "cat.png")
    words = ["reconstruct", str(tmp_path / "cat.png"), "--layers", "layer1", "--steps", "2"]
    assert main([*words, "--size", "64", "--out", str(tmp_path / "out")]) == 0

    (record,) = json.loads((tmp_path / "out" / "report.json").read_text())["results"]
    assert 0 < record[toy.key] < 1
    with (tmp_path / "out" / "report.csv").open(newline="") as file:
        assert [float(row[toy.key]) for row in csv.DictReader(file)] == [record[toy.key]]
    shown = f"{100 * record[toy.key]:.1f}"
    table = to_markdown(lay_out(summarise([record])))
    assert f" {shown} |" in table
    assert toy.heading in table

    scores = tiny_lab.score(picture, tiny_lab.at("layer1").reconstruct(picture, "optimiser"))
    caption = " ".join(layer_panel(picture.images, "layer1", "optimiser", scores).lines)
    assert f"brightness gap {toy.show(scores[toy.key])} %" in caption
    table = make_table([make_row("layer1", scores, 2, 0.1)])
    assert dict(zip(table.columns, table.rows[0].cells, strict=True))[toy.heading] == toy.show(
        scores[toy.key]
    )
    assert scores.plain()[toy.key] == scores[toy.key]
