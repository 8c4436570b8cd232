"""Known answers of the leak drill."""

import pytest
import torch

from explorer.experiments import follow_experiment, run_experiment
from explorer.experiments.experiment import Row
from explorer.experiments.leak import DECODER, describe
from explorer.experiments.operations.edits import EditError, rotate_channels
from explorer.experiments.operations.protections import PROTECTIONS
from explorer.lab.lab import Lab

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


def make_row(attack: str, amount: float, read: float) -> Row:
    return {
        "layer": "layer1", "attack": attack, "amount": amount, "edit_error": amount**2,
        "recognised_top5": read, "top5_continued": 0.8,
    }  # fmt: skip


def test_a_layer_is_not_called_safe_while_any_attack_reads_it() -> None:
    own = [make_row(DECODER, 0, 1), make_row(DECODER, 1, 0), make_row(DECODER, 2, 0)]
    told = "layer1: the decoder reads no more from 1 on, where 80% of the network’s top-5 stay."
    zone = "layer1: there is a zone that no attack here reads, and that is of use."
    assert describe(own, ["layer1"]) == [told]  # Nobody else has tried.
    tried = [*own, make_row("optimiser", 1.5, 0)]
    assert describe(tried, ["layer1"]) == [told, zone]
    assert describe([*own, make_row("optimiser", 0.5, 0)], ["layer1"]) == [
        told
    ]  # Where the decoder reads, too.
    assert describe([*tried, make_row("refitted", 1.5, 1)], ["layer1"]) == [
        told,
        "layer1: a refitted decoder still reads at 1.5.",
    ]
