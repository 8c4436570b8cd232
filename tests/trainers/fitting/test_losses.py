"""The training loss: closed forms, and terms that vanish where they should."""

import pytest
import torch
from torchvision.models.resnet import ResNet

from explorer.features.trunk import Trunk, build_trunk
from trainers.config import LossConfig
from trainers.fitting.losses import ReconstructionLoss


@pytest.fixture
def trunk(tiny_network: ResNet) -> Trunk:
    return build_trunk(tiny_network, "layer2")


def test_pixel_terms_are_the_weighted_means(trunk: Trunk) -> None:
    target = torch.rand(2, 3, 64, 64)
    terms = ReconstructionLoss(LossConfig(mse=2.0, l1=0.5))(target + 0.1, target, trunk, trunk(target))
    assert terms["mse"].item() == pytest.approx(2.0 * 0.01, rel=1e-4)
    assert terms["l1"].item() == pytest.approx(0.5 * 0.1, rel=1e-4)
    assert set(terms) == {"mse", "l1"}


def test_cycle_is_the_relative_squared_feature_error(trunk: Trunk) -> None:
    target, other = torch.rand(2, 2, 3, 64, 64)
    loss = ReconstructionLoss(LossConfig(cycle=3.0))
    wanted, reached = trunk(target)["layer2"], trunk(other)["layer2"]
    expected = ((reached - wanted).square().sum((1, 2, 3)) / wanted.square().sum((1, 2, 3))).mean()
    assert loss(other, target, trunk, trunk(target))["cycle"].item() == pytest.approx(
        3 * expected.item(), rel=1e-4
    )
    assert loss(target, target, trunk, trunk(target))["cycle"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.pretrained
def test_perceptual_term_is_zero_at_the_target_and_trains_the_image_not_its_network(trunk: Trunk) -> None:
    target = torch.rand(1, 3, 64, 64)
    loss = ReconstructionLoss(LossConfig(perceptual=1.0, perceptual_network="squeeze"))
    assert loss(target, target, trunk, trunk(target))["perceptual"].item() == pytest.approx(0, abs=1e-6)
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    loss(image, target, trunk, trunk(target))["perceptual"].backward()
    assert image.grad is not None and image.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())
