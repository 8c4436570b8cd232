"""Known answers of the leak drill."""

from dataclasses import replace

import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from explorer.experiments import follow_experiment, run_experiment
from explorer.experiments.experiment import Row
from explorer.experiments.leak_findings import DECODER, describe, draw, find_zone
from explorer.experiments.operations.edits import EditError, rotate_channels
from explorer.experiments.operations.protections import PROTECTIONS
from explorer.lab.lab import Lab
from explorer.report.chart import draw_charts
from explorer.report.charts import Chart, Line, Zone

pytestmark = pytest.mark.usefixtures("few_pictures_to_fit")


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_no_protection_is_no_change(coarse_lab: Lab, pictures, protection: str) -> None:
    if protection == "bits":  # Eight are the most; they change what nobody sees.
        amount, tolerance = 8, 0.02
    else:
        amount, tolerance = 0, 1e-6
    options = {"protection": protection, "amount": amount, "attacks": DECODER}
    result = next(follow_experiment("leak", coarse_lab, pictures[:1], ["layer1"], **options))
    at = coarse_lab.at("layer1")
    plain = at.decode(at.encode(pictures[0]), at.best_decoder)
    torch.testing.assert_close(result.pictures[1].images, plain, atol=tolerance, rtol=0)


def test_the_curve_begins_with_the_whole_answer_and_ends_with_more_error(coarse_lab: Lab, pictures) -> None:
    rows = run_experiment("leak", coarse_lab, pictures[:1], ["layer2"], attacks=DECODER).rows
    assert (rows[0]["amount"], rows[0]["edit_error"], rows[0]["top5_continued"]) == (0, 0.0, 1.0)
    errors = [float(row["edit_error"] or 0) for row in rows]
    assert errors == sorted(errors)
    assert errors[-1] == pytest.approx(16, rel=1e-3)  # The square of the noise's size, 4.


@pytest.mark.slow
def test_every_attack_is_measured_at_the_amount_that_is_shown(coarse_lab: Lab, pictures) -> None:
    rows = run_experiment("leak", coarse_lab, pictures[:1], ["layer2"], amount=0.5).rows
    found = {row["attack"]: row for row in rows if row["amount"] == 0.5}
    assert list(found) == ["decoder", "optimiser", "refitted"]
    assert len({row["edit_error"] for row in found.values()}) == 1


def test_a_rotation_keeps_norms_and_leaves_the_other_channels() -> None:
    maps = torch.randn(1, 300, 2, 2)
    rotated = rotate_channels(maps, 0.5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(rotated.norm(dim=1), maps.norm(dim=1))
    assert int((rotated == maps).all(dim=(0, 2, 3)).sum()) == 150
    with pytest.raises(EditError, match="from 0 to 1"):
        rotate_channels(maps, 1.5, torch.Generator())


def make_row(attack: str, amount: float, read: float, *, use: float = 0.8, db: float = 20.0) -> Row:
    return {
        "layer": "layer1", "attack": attack, "amount": amount, "edit_error": amount**2, "psnr_db": db,
        "recognised_top5": read, "top5_continued": use,
    }  # fmt: skip


def test_a_layer_is_not_called_safe_while_any_attack_reads_it() -> None:
    own = [make_row(DECODER, 0, 1), make_row(DECODER, 1, 0), make_row(DECODER, 2, 0)]
    told = "layer1: the decoder reads no more from 1 on, where 80% of the network’s top-5 stay."
    none = (
        "Nothing is shaded: nowhere do all attacks here fail while at least 80% of the network’s top-5 stay."
    )
    alone = "Nothing is shaded: the decoder alone has attacked."
    assert describe(own, ["layer1"]) == [told, alone]
    # Where the decoder reads, too.
    assert describe([*own, make_row("optimiser", 0.5, 0)], ["layer1"]) == [told, none]
    still = "layer1: a refitted decoder still reads at 1.5."
    tried = [*own, make_row("optimiser", 1.5, 0), make_row("refitted", 1.5, 1)]
    assert describe(tried, ["layer1"]) == [told, still, none]


def test_the_zone_of_a_table_is_where_nobody_reads_and_the_answer_stays() -> None:
    """Read below 1; tried at 1; from 2 on the answer is lost, and at 4 it is there again by chance."""
    own = [
        make_row(DECODER, 0, 1, use=1, db=30),
        make_row(DECODER, 0.5, 1, use=1, db=25),
        make_row(DECODER, 1, 0, use=0.8, db=19),
        make_row(DECODER, 2, 0, use=0.6, db=15),
        make_row(DECODER, 4, 0, use=0.8, db=11),
    ]
    rows = [*own, make_row("optimiser", 1, 0), make_row("refitted", 1, 0)]
    assert find_zone(rows, "layer1") == [1, 4]
    (zone,) = draw(rows, ["layer1"], "size of the noise")[0].zones
    assert (zone.label, zone.layer) == ("layer1: unread, of use", "layer1")
    assert zone.x == pytest.approx((11, 19), abs=0.5)
    assert zone.y == pytest.approx((0.8, 1), abs=0.05)
    assert describe(rows, ["layer1"])[-1] == (
        "Shaded is where no attack here reads the picture and at least 80% of the network’s top-5 stay: "
        "layer1 (1, 4)."
    )
    assert find_zone([*own, make_row("optimiser", 2, 0)], "layer1") == [4]  # At 1 nobody else has tried.
    assert find_zone([*rows[:-1], make_row("refitted", 1, 1)], "layer1") == []
    assert find_zone(own, "layer1") == []


def test_a_zone_is_shaded_in_its_chart() -> None:
    chart = Chart("a", "x", "y", [Line("layer1", [0, 2], [0, 2], "layer1")])
    figures = [Figure(), Figure()]
    draw_charts(figures[0], [chart], 1)
    draw_charts(figures[1], [replace(chart, zones=[Zone("safe", (0.5, 1.5), (1, 2), "layer1")])], 1)
    plain, shaded = (figure.axes[0] for figure in figures)
    assert not plain.patches
    (rectangle,) = shaded.patches
    assert isinstance(rectangle, Rectangle)
    assert rectangle.get_bbox().bounds == (0.5, 1, 1, 1)
    assert rectangle.get_label() == "safe"
