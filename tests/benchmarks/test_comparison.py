"""A comparison: every method gets its turn, is measured at its marks, and is run once only."""

from pathlib import Path

import pytest

from explorer.benchmarks.comparison import Start, compare, start_method
from explorer.examples import load_example
from explorer.inversion.settings import load_settings
from explorer.lab.lab import Lab

SIDE = 64


def start(evaluations: int) -> Start:
    return start_method("optimiser", {"layer1": load_settings("layer1", evaluations=evaluations)})


def test_curves_have_a_record_at_every_mark_and_at_the_end(tiny_lab: Lab) -> None:
    picture = load_example("cat", size=SIDE)
    (curve,) = compare(tiny_lab, [picture], ["layer1"], {"short": start(12)})
    assert [record["mark"] for record in curve.records] == [1, 3, 10, "end"]
    assert curve.records[0]["steps"] == 1
    assert curve.end["steps"] == 12
    assert {record["method"] for record in curve.records} == {"short"}
    assert curve.end["psnr_db"] == pytest.approx(curve.psnr_db[-1], abs=0.05)  # Of 8-bit pixels.
    assert list(curve.seconds) == sorted(curve.seconds)


@pytest.mark.slow
def test_only_what_the_folder_lacks_is_run(tiny_lab: Lab, tmp_path: Path) -> None:
    pictures = [load_example(name, size=SIDE) for name in ("cat", "coffee")]
    first = compare(tiny_lab, pictures[:1], ["layer1"], {"a": start(3)}, tmp_path)
    whole = compare(tiny_lab, pictures, ["layer1"], {"b": start(3), "a": start(9)}, tmp_path)
    assert [(curve.picture, curve.method) for curve in whole] == [
        ("cat", "b"), ("cat", "a"), ("coffee", "b"), ("coffee", "a")
    ]  # fmt: skip
    assert whole[1] == first[0]
    assert [curve.end["steps"] for curve in whole] == [3, 3, 3, 9]
