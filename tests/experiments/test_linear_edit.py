"""Known answers of one matrix, one edit."""

from collections.abc import Generator
from pathlib import Path

import pytest
import torch

from explorer.examples import load_example
from explorer.experiments import run_experiment
from explorer.experiments.edit_maps import EDITS_FILE, ChannelMap, EditFit, LowRankMap, find_map, save_maps
from explorer.experiments.experiment import ExperimentError
from explorer.experiments.linear_edit import EDITS, fit_map, load_map
from explorer.features.backbone import load_backbone
from explorer.features.trunk import build_trunk
from explorer.images import Picture
from explorer.lab.lab import Lab

pytestmark = pytest.mark.usefixtures("few_pictures_to_fit")


def finish(loading: Generator[float, None, ChannelMap], shares: list[float]) -> ChannelMap:
    """Note the shares that a fit tells, and return what it finds."""
    while True:
        try:
            shares.append(next(loading))
        except StopIteration as end:
            return end.value


def test_the_matrix_of_no_edit_is_the_identity(coarse_lab: Lab) -> None:
    shares = list[float]()
    fitted = finish(load_map(coarse_lab.trunk("layer1"), "identity"), shares)
    assert torch.equal(fitted.matrix, torch.eye(256))
    assert not fitted.bias.any()
    assert shares == sorted(set(shares))
    assert 0 < shares[0] < shares[-1] < 1


def test_a_linear_edit_of_features_is_found() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix, bias = torch.randn(6, 6, generator=generator), torch.randn(6, generator=generator)
    batches = [torch.randn(4, 6, 8, 8, generator=generator) for _ in range(3)]
    mapped = [torch.einsum("kc,bcyx->bkyx", matrix, maps) + bias[:, None, None] for maps in batches]
    fitted = finish(fit_map(zip(batches, mapped, strict=True), len(batches)), shares := [])
    assert shares == [0.25, 0.5, 0.75]
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


def draw_pairs(rank: int) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Draw features, a change of this rank, and a constant."""
    generator = torch.Generator().manual_seed(1)
    change = torch.randn(12, rank, generator=generator) @ torch.randn(rank, 12, generator=generator)
    batches = [torch.randn(4, 12, 8, 8, generator=generator) * 3 + 1 for _ in range(4)]
    return batches, change, torch.randn(12, generator=generator)


def fit_low_rank(rank: int) -> tuple[dict[str, LowRankMap], ChannelMap, torch.Tensor]:
    """Fit two edits at rank 2: one whose change has some rank, and one that changes nothing."""
    batches, change, bias = draw_pairs(rank)
    true = ChannelMap(change + torch.eye(12), bias)
    fit = EditFit(["some", "none"])
    for maps in batches:
        fit.add(maps, {"some": true(maps), "none": maps})
    return fit.solve(rank=2), true, torch.cat(batches)


def test_a_change_of_low_rank_is_found_at_that_rank() -> None:
    fitted, true, maps = fit_low_rank(rank=2)
    assert fitted["some"].inner.shape == (2, 12)
    error = fitted["some"].expand()(maps) - true(maps)  # The ridge leaves a hundredth.
    assert error.std() < 0.03 * (maps - true(maps)).std()
    torch.testing.assert_close(fitted["none"].expand()(maps), maps, atol=1e-4, rtol=0)


def test_a_change_of_higher_rank_is_found_in_part_and_its_mean_whole() -> None:
    fitted, true, maps = fit_low_rank(rank=6)
    made, wanted = fitted["some"].expand()(maps), true(maps)
    assert (made - wanted).var() < 0.7 * (maps - wanted).var()
    torch.testing.assert_close(made.mean((0, 2, 3)), wanted.mean((0, 2, 3)), atol=0.01, rtol=0)


def test_maps_are_packed_in_eight_bits_and_found_by_their_trunk_alone(tmp_path: Path) -> None:
    fitted, _, maps = fit_low_rank(rank=2)
    path, prints = tmp_path / "edits.safetensors", {"layer1": "abc"}
    save_maps({("layer1", edit): one for edit, one in fitted.items()}, path, fingerprints=prints, about="")
    found = find_map("layer1", "some", "abc", path)
    assert found is not None
    whole = fitted["some"].expand()
    assert (found(maps) - whole(maps)).std() < 0.02 * (maps - whole(maps)).std()
    assert find_map("layer1", "some", "another", path) is None
    assert find_map("layer2", "some", "abc", path) is None
    assert find_map("layer1", "mirror", "abc", path) is None
    assert find_map("layer1", "some", "abc", tmp_path / "none") is None
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ExperimentError, match="no readable file of edits"):
        find_map("layer1", "some", "abc", path)


def test_what_ships_takes_no_more_than_a_megabyte_and_fits_the_weights_that_ship() -> None:
    assert EDITS_FILE.stat().st_size <= 1_000_000
    trunk = build_trunk(load_backbone("compact").network, "layer1")
    for edit in set(EDITS) - {"identity"}:
        fitted = find_map("layer1", edit, trunk.fingerprint)
        assert fitted is not None
        with torch.no_grad():
            images = load_example("cat").images
            maps, wanted = (trunk(one)["layer1"] for one in (images, EDITS[edit][1](images)))
        assert (fitted(maps) - wanted).var() < 0.9 * (maps - wanted).var(), edit
