"""The reference loops: as users write them, and ended as our own inversions end."""

from itertools import pairwise

import pytest
import torch
from torchvision.models import ResNet

from explorer.benchmarks.baselines import Loop, adam, follow_loop, hooked_features, mahendran_vedaldi
from explorer.examples import load_example
from explorer.features.trunk import build_trunk
from explorer.images import Images


@pytest.fixture
def picture() -> Images:
    return load_example("cat", size=64).images


def test_the_reference_loop_lowers_its_loss_and_starts_from_faint_noise(
    tiny_network: ResNet, picture: Images
) -> None:
    steps = list(follow_loop(adam(0.1), tiny_network, "layer1", picture, 30))
    assert steps[-1].losses["feature"] < 0.7 * steps[0].losses["feature"]
    assert [step.evaluations for step in steps] == list(range(1, 31))
    assert steps[0].images.std() < 0.1


def test_hooked_features_are_those_of_the_trunk(tiny_network: ResNet, picture: Images) -> None:
    trunk = build_trunk(tiny_network, "layer2")
    hooked = hooked_features(tiny_network, "layer2", (picture - trunk.mean) / trunk.std)
    torch.testing.assert_close(hooked, trunk(picture)["layer2"], rtol=1e-3, atol=1e-4)


def test_mahendran_vedaldi_decays_its_steps(tiny_network: ResNet, picture: Images) -> None:
    steps = list(follow_loop(mahendran_vedaldi(), tiny_network, "layer1", picture, 45))
    moves = [(a.images - b.images).abs().mean().item() for a, b in pairwise(steps)]
    assert moves[-1] < 0.5 * moves[1]


def test_a_loss_that_is_no_number_ends_the_loop_with_its_best_step(
    tiny_network: ResNet, picture: Images
) -> None:
    def blow_up(features: Images, target: Images, pixels: Images) -> torch.Tensor:
        return (features - target).square().sum() / (pixels - pixels.detach() + 1 - len(calls) // 3).mean()

    calls: list[int] = []

    def count(*given: Images) -> torch.Tensor:
        calls.append(1)
        return blow_up(*given)

    loop = Loop(lambda pixels: torch.optim.SGD([pixels], lr=1e-9), count)
    *steps, last = follow_loop(loop, tiny_network, "layer1", picture, 30)
    assert len(steps) == 2
    assert last.notice is not None
    assert "unstable at step 2" in last.notice
    assert last.losses["total"] == min(step.losses["total"] for step in steps)
