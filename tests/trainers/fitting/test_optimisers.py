"""Muon takes torch's steps, and a plateau lowers the rate when held-out pictures cease to gain."""

import pytest
import torch
from torch import nn

from trainers.fitting.optimisers import ConvolutionMuon, Plateau, orthogonalise


@pytest.mark.parametrize("shape", [(8, 3, 3, 3), (40, 2, 3, 3)])
def test_muon_takes_the_steps_of_torch(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    ours = nn.Parameter(torch.randn(shape))
    theirs = nn.Parameter(ours.detach().flatten(1).clone())
    muon = ConvolutionMuon([ours], lr=0.1, dtype=torch.bfloat16)
    reference = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.flatten(1).clone()
        muon.step()
        reference.step()
    torch.testing.assert_close(ours.flatten(1), theirs, atol=2e-3, rtol=0)


def test_orthogonalised_updates_have_singular_values_near_one() -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(16, 48), torch.float32))
    assert (values > 0.6).all()
    assert (values < 1.3).all()


def test_the_rate_halves_after_so_many_validations_without_gain() -> None:
    plateau = Plateau(patience=2, min_gain_db=0.1)
    shares = []
    for figure in (20.0, 20.5, 20.55, 20.58, 20.7, 20.75, 20.7):
        plateau.observe(figure)
        shares.append(plateau.share)
    assert shares == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
