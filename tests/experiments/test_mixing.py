"""Known answers of mixtures: with itself nothing changes, and the ends are the two that were mixed."""

import pytest
import torch

from explorer.experiments.operations.mixing import (
    MixingError,
    interpolate,
    spread_map,
    transfer_statistics,
)


def features(seed: int) -> torch.Tensor:
    return torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_blending_with_itself_is_the_identity(share):
    torch.testing.assert_close(interpolate(features(0), features(0), share), features(0))
    torch.testing.assert_close(transfer_statistics(features(0), features(0), share), features(0))


def test_the_ends_of_a_mixture_are_the_two_that_are_mixed():
    assert torch.equal(interpolate(features(0), features(1), 0.0), features(0))
    assert torch.equal(interpolate(features(0), features(1), 1.0), features(1))


def test_transferred_statistics_are_those_of_the_other():
    mixed = transfer_statistics(features(0), 3 * features(1) + 2, 1.0)
    other = 3 * features(1) + 2
    torch.testing.assert_close(mixed.mean(dim=(2, 3)), other.mean(dim=(2, 3)))
    torch.testing.assert_close(mixed.std(dim=(2, 3)), other.std(dim=(2, 3)))


def test_a_share_outside_zero_to_one_is_refused():
    with pytest.raises(MixingError, match=r"from 0 to 1, not 1\.5"):
        interpolate(features(0), features(1), 1.5)


def test_equal_pictures_have_no_spread():
    picture = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert spread_map([picture, picture, picture]).abs().max() < 1e-6


def test_black_and_white_lie_half_apart():
    assert torch.equal(
        spread_map([torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)]), torch.full((1, 1, 2, 2), 0.5)
    )


def test_one_picture_alone_has_no_spread_to_measure():
    with pytest.raises(MixingError, match="at least two"):
        spread_map([torch.zeros(1, 3, 2, 2)])
