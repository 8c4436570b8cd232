"""Known answers of the leak drill."""

import pytest
import torch

from explorer.experiments import follow_experiment, run_experiment
from explorer.experiments.leak import DECODER, PROTECTIONS
from explorer.experiments.operations.edits import EditError, rotate_channels
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
