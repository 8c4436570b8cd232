"""Curves: ratios that are true, and averages over pictures that all have them."""

from dataclasses import replace
from typing import Any

import pytest

from explorer.benchmarks.curve import Curve, compute_speed_ups
from explorer.benchmarks.figure import average_at_marks


def curve(method: str, *steps: tuple[float, float]) -> Curve:
    """Make a curve of (seconds, PSNR), with a record at every step."""
    common: dict[str, Any] = {
        "image": "cat",
        "layer": "layer1",
        "method": method,
        "ssim": 0.5,
        "lpips": 0.1,
    }
    records = [
        {**common, "mark": mark, "seconds": seconds, "psnr_db": psnr_db, "ssim": 0.5, "lpips": 0.1}
        for mark, (seconds, psnr_db) in enumerate(steps)
    ]
    return Curve("cat", "layer1", method, [step[0] for step in steps], [step[1] for step in steps], records)


def test_a_speed_up_is_the_ratio_of_times_to_the_psnr_that_the_reference_ends_with() -> None:
    reference = curve("adam", (1.0, 10.0), (40.0, 18.0))
    ours = curve("cold", (0.5, 12.0), (2.0, 18.5), (4.0, 25.0))
    (row,) = compute_speed_ups([reference, ours], "adam").to_dict("records")
    assert (row["ratio"], row["reached"], row["seconds"], row["reference_seconds"]) == (20.0, 1, 2.0, 40.0)


def test_a_picture_on_which_a_method_never_gets_there_counts_as_the_ratio_0() -> None:
    curves = [curve("adam", (40.0, 18.0)), curve("cold", (0.5, 12.0))]
    (row,) = compute_speed_ups(curves, "adam").to_dict("records")
    assert (row["ratio"], row["reached"]) == (0.0, 0)
    assert row["seconds"] != row["seconds"]


def test_without_the_reference_there_are_no_speed_ups() -> None:
    assert len(compute_speed_ups([curve("cold", (0.5, 12.0))], "adam")) == 0


def test_the_figure_averages_at_marks_that_every_picture_has() -> None:
    long, short = (
        curve("cold", (1.0, 10.0), (3.0, 20.0), (9.0, 30.0)),
        curve("cold", (3.0, 12.0), (5.0, 22.0)),
    )
    other = replace(short, records=[{**record, "image": "dog"} for record in short.records])
    points = average_at_marks([long, other])
    assert list(points["seconds"]) == pytest.approx([2.0, 4.0])
    assert list(points["psnr_db"]) == pytest.approx([11.0, 21.0])
