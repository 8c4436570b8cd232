"""The summary of many pictures: true means, true intervals, and nothing made up where a figure is missing."""

import json

import numpy as np
import pytest

from explorer.benchmarks.table import lay_out, summarise, to_markdown, to_plain


def record(layer: str, method: str, psnr_db: float, lpips: float | None) -> dict[str, object]:
    rest = dict.fromkeys(("ssim", "feature_error", "feature_cosine", "top5_agreement"), 0.5)
    return {
        "layer": layer,
        "method": method,
        "psnr_db": psnr_db,
        "lpips": lpips,
        **rest,
        "steps": 3,
        "seconds": 0.1,
    }


def test_means_and_intervals_are_those_of_numpy_and_missing_figures_stay_out() -> None:
    values = [20.0, 22.0, 27.0]
    cells = summarise([record("layer1", "linear", value, None) for value in values])
    (cell,) = (cell for cell in to_plain(cells) if cell["figure"] == "psnr_db")
    assert (cell["layer"], cell["method"], cell["mean"], cell["pictures"]) == ("layer1", "linear", 23.0, 3)
    assert cell["half_width"] == pytest.approx(4.3027 * np.std(values, ddof=1) / np.sqrt(3), rel=1e-4)
    assert "lpips" not in set(cells["figure"])
    assert "23.00 ± 8.96" in to_markdown(lay_out(cells))


def test_a_single_picture_has_a_mean_without_an_interval() -> None:
    cells = summarise([record("layer1", "linear", 20.0, 0.5)])
    assert {cell["half_width"] for cell in to_plain(cells)} == {None}
    assert "NaN" not in json.dumps(to_plain(cells))
    assert "±" not in to_markdown(lay_out(cells))


def test_rows_stand_in_the_order_of_the_records() -> None:
    keys = [("layer2", "linear"), ("layer1", "linear"), ("layer1", "decoder")]
    lines = to_markdown(lay_out(summarise([record(*key, 20.0, None) for key in keys]))).splitlines()
    assert [tuple(line.split(" | ")[:2]) for line in lines[2:]] == [(f"| {a}", b) for a, b in keys]
