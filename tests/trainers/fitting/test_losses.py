"""The training loss: closed forms, and terms that vanish where they should."""

import pytest
import torch
from torchvision.models.resnet import ResNet

from explorer.features.trunk import Trunk, build_trunk
from tests.support.tiny import make_tiny_network
from trainers.config import LossConfig
from trainers.fitting.consistency import FeatureConsistency
from trainers.fitting.losses import ReconstructionLoss


@pytest.fixture
def trunk(tiny_network: ResNet) -> Trunk:
    return build_trunk(tiny_network, "layer1+layer2")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def seed_where_pictures_stay(share: float = 0.5) -> int:
    """Find a seed whose first draws choose the only trunk and move no picture."""
    for seed in range(100):
        random = seeded(seed)
        torch.randint(1, (), generator=random)
        if torch.rand((), generator=random) >= share:
            return seed
    raise AssertionError("none of 100 seeds leaves the pictures in place")


def test_pixel_terms_are_the_weighted_means() -> None:
    target = torch.rand(2, 3, 64, 64)
    terms = ReconstructionLoss(LossConfig(mse=2.0, l1=0.5))(target + 0.1, target, seeded())
    assert terms["mse"].item() == pytest.approx(2.0 * 0.01, rel=1e-4)
    assert terms["l1"].item() == pytest.approx(0.5 * 0.1, rel=1e-4)
    assert set(terms) == {"mse", "l1"}


def test_consistency_is_the_weighted_relative_squared_error_of_each_layers_features(trunk: Trunk) -> None:
    target, other = torch.rand(2, 2, 3, 64, 64)
    loss = FeatureConsistency({"layer1": 1.0, "layer2": 3.0}, [trunk])
    terms = loss(other, target, seeded(seed_where_pictures_stay()))
    wanted, reached = trunk(target), trunk(other)
    for layer, weight in (("layer1", 1.0), ("layer2", 3.0)):
        squares = (reached[layer] - wanted[layer]).square().sum((1, 2, 3))
        expected = (squares / wanted[layer].square().sum((1, 2, 3))).mean()
        assert terms[layer].item() == pytest.approx(weight * expected.item(), rel=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_consistency_is_zero_at_the_target_wherever_it_is_moved(trunk: Trunk, seed: int) -> None:
    target = torch.rand(2, 3, 64, 64)
    others = [trunk, build_trunk(make_tiny_network(1), "layer1+layer2")]
    terms = FeatureConsistency({"layer1": 1.0, "layer2": 1.0}, others)(target, target, seeded(seed))
    assert all(term.item() == pytest.approx(0, abs=1e-6) for term in terms.values())


def test_consistency_moves_the_pictures_in_about_half_of_the_steps_and_trains_the_image(trunk: Trunk) -> None:
    target, image = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64, requires_grad=True)
    loss = FeatureConsistency({"layer2": 1.0}, [trunk])
    values = [loss(image, target, seeded(seed))["layer2"] for seed in range(24)]
    unmoved = loss(image, target, seeded(seed_where_pictures_stay()))["layer2"]
    assert 4 <= sum(value.item() != pytest.approx(unmoved.item()) for value in values) <= 20
    values[0].backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0


def test_perceptual_term_is_zero_at_the_target_and_trains_the_image_not_its_network() -> None:
    target = torch.rand(1, 3, 64, 64)
    loss = ReconstructionLoss(LossConfig(perceptual=1.0, perceptual_network="squeeze"))
    assert loss(target, target, seeded())["perceptual"].item() == pytest.approx(0, abs=1e-6)
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    loss(image, target, seeded())["perceptual"].backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())
