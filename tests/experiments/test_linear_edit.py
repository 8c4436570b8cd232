"""Known answers of one matrix, one edit."""

import pytest
import torch

from explorer.experiments import run_experiment
from explorer.experiments.linear_edit import EDITS, fit_map, load_map
from explorer.images import Picture
from explorer.lab.lab import Lab

pytestmark = pytest.mark.usefixtures("few_pictures_to_fit")


def test_the_matrix_of_no_edit_is_the_identity(coarse_lab: Lab) -> None:
    fitted = load_map(coarse_lab.trunk("layer1"), "identity")
    assert torch.equal(fitted.matrix, torch.eye(256))
    assert not fitted.bias.any()


def test_a_linear_edit_of_features_is_found() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix, bias = torch.randn(6, 6, generator=generator), torch.randn(6, generator=generator)
    batches = [torch.randn(4, 6, 8, 8, generator=generator) for _ in range(3)]
    mapped = [torch.einsum("kc,bcyx->bkyx", matrix, maps) + bias[:, None, None] for maps in batches]
    fitted = fit_map(zip(batches, mapped, strict=True))
    torch.testing.assert_close(fitted.matrix, matrix, atol=0.05, rtol=0)
    torch.testing.assert_close(fitted(batches[0]), mapped[0], atol=0.15, rtol=0)


def test_no_edit_reaches_its_ceiling(coarse_lab: Lab, pictures: list[Picture]) -> None:
    (row,) = run_experiment("matrix_edit", coarse_lab, pictures[:1], ["layer2"], edit="identity").rows
    assert row["ceiling_db"] == row["unedited_db"] == pytest.approx(row["psnr_db"], abs=0.1)
    assert row["edit_error"] == 0


@pytest.mark.parametrize("edit", sorted(set(EDITS) - {"identity", "brighter"}))
def test_an_edit_made_twice_is_none(edit: str) -> None:
    images = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(EDITS[edit][1](EDITS[edit][1](images)), images)
