"""Known answers of every edit: the whole amount changes nothing, and one less does what it says."""

import pytest
import torch

from explorer.experiments.operations.edits import (
    EditError,
    Region,
    add_noise,
    blur_positions,
    drop_channels,
    keep_components,
    keep_region,
    keep_top_channels,
    quantise_channels,
    shuffle_positions,
)
from explorer.metrics.functional import feature_error

CHANNELS = 6


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(2, CHANNELS, 5, 4, generator=torch.Generator().manual_seed(1)).relu()


@pytest.fixture
def centre() -> torch.Tensor:
    return torch.linspace(0.1, 0.6, CHANNELS)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_keeping_all_channels_changes_nothing(features, centre):
    assert torch.equal(keep_top_channels(features, CHANNELS, centre), features)


def test_keeping_no_channel_leaves_the_centre(features, centre):
    edited = keep_top_channels(features, 0, centre)
    assert torch.equal(edited, centre.view(1, -1, 1, 1).expand_as(features))


def test_the_loudest_channel_is_kept_and_the_others_fall_silent():
    features = torch.ones(1, 3, 2, 2) * torch.tensor([1.0, 3.0, 2.0]).view(1, 3, 1, 1)
    edited = keep_top_channels(features, 1, torch.zeros(3))
    assert edited.amax(dim=(0, 2, 3)).tolist() == [0, 3, 0]


def test_more_channels_than_there_are_are_refused_with_the_limit(features, centre):
    with pytest.raises(EditError, match="6 channels: keep 0 to 6, not 7"):
        keep_top_channels(features, 7, centre)


def test_dropping_a_channel_touches_no_other(features, centre):
    edited = drop_channels(features, {1, 4}, centre)
    assert torch.equal(edited[:, [0, 2, 3, 5]], features[:, [0, 2, 3, 5]])
    torch.testing.assert_close(edited[:, 4], centre[4].expand(2, 5, 4))


def test_dropping_a_channel_that_does_not_exist_is_refused(features, centre):
    with pytest.raises(EditError, match="no channel 6: these features have 0 to 5"):
        drop_channels(features, {2, 6}, centre)


def test_keeping_all_components_changes_nothing(features, centre):
    basis = torch.linalg.qr(torch.randn(CHANNELS, CHANNELS, generator=seeded())).Q
    torch.testing.assert_close(keep_components(features, basis, CHANNELS, centre), features)


def test_one_component_keeps_what_lies_along_it(centre):
    basis = torch.eye(CHANNELS)
    features = centre.view(1, -1, 1, 1) + torch.ones(1, CHANNELS, 1, 1)
    edited = keep_components(features, basis, 1, centre)
    torch.testing.assert_close((edited - centre.view(1, -1, 1, 1)).flatten(), basis[0])


def test_no_blur_is_the_identity(features):
    assert torch.equal(blur_positions(features, 0.0), features)


def test_blurring_keeps_what_is_the_same_everywhere():
    torch.testing.assert_close(
        blur_positions(torch.full((1, 2, 6, 5), 0.7), 1.5), torch.full((1, 2, 6, 5), 0.7)
    )


def test_a_wide_blur_flattens_a_channel_towards_its_mean(features):
    assert blur_positions(features, 2.0).std(dim=(2, 3)).mean() < 0.4 * features.std(dim=(2, 3)).mean()


def test_blurring_is_the_same_along_rows_and_columns(features):
    turned = blur_positions(features.transpose(2, 3), 1.0).transpose(2, 3)
    torch.testing.assert_close(blur_positions(features, 1.0), turned)


def test_shuffling_no_position_changes_nothing(features):
    assert torch.equal(shuffle_positions(features, 0.0, seeded()), features)


def test_shuffling_moves_positions_whole(features):
    edited = shuffle_positions(features, 1.0, seeded())
    assert not torch.equal(edited, features)
    columns = {tuple(column.tolist()) for column in features[0].flatten(1).T}
    assert {tuple(column.tolist()) for column in edited[0].flatten(1).T} == columns


def test_shuffling_leaves_the_mean_over_positions(features):
    edited = shuffle_positions(features, 1.0, seeded())
    torch.testing.assert_close(edited.mean(dim=(2, 3)), features.mean(dim=(2, 3)))


def test_quantising_to_one_bit_leaves_two_values_per_channel(features):
    edited = quantise_channels(features, 1)
    assert all(len(channel.unique()) == 2 for channel in edited.flatten(0, 1))


def test_quantising_errs_by_half_a_step_at_most(features):
    span = features.amax(dim=(2, 3), keepdim=True) - features.amin(dim=(2, 3), keepdim=True)
    for bits in (1, 3, 8):
        wrong = (quantise_channels(features, bits) - features).abs()
        assert (wrong <= span / (2**bits - 1) / 2 + 1e-6).all()


def test_quantising_a_constant_channel_changes_nothing():
    constant = torch.full((1, 1, 2, 2), 0.3)
    assert torch.equal(quantise_channels(constant, 4), constant)


@pytest.mark.parametrize("bits", [0, 17])
def test_bits_outside_the_range_are_refused(features, bits):
    with pytest.raises(EditError, match=f"1 to 16 bits, not {bits}"):
        quantise_channels(features, bits)


def test_zero_noise_is_the_identity(features):
    assert torch.equal(add_noise(features, 0.0, seeded()), features)


def test_the_feature_error_of_noise_is_the_square_of_its_size(features):
    errors = feature_error(add_noise(features, 0.3, seeded()), features)
    torch.testing.assert_close(errors, torch.full((2,), 0.09))


def test_the_whole_picture_is_a_region_that_changes_nothing(features, centre):
    assert torch.equal(keep_region(features, Region(0, 0, 1, 1), centre), features)


def test_a_region_keeps_its_cells_and_no_other():
    features = torch.ones(1, 1, 4, 4)
    edited = keep_region(features, Region(0.5, 0.0, 1.0, 0.5), torch.zeros(1))
    assert edited[0, 0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_a_region_smaller_than_a_cell_keeps_that_cell():
    edited = keep_region(torch.ones(1, 1, 2, 2), Region(0.6, 0.6, 0.65, 0.65), torch.zeros(1))
    assert edited[0, 0].tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("corners", [(0.5, 0, 0.5, 1), (0, 0, 1.2, 1), (-0.1, 0, 1, 1)])
def test_a_region_that_is_empty_or_outside_is_refused(corners):
    with pytest.raises(EditError, match="empty or outside"):
        Region(*corners)
