"""The reference loops: what a user would write to invert features today, whole network, hook and pixels.

They are here to be measured against and yield Steps like `invert`. Pixels are in ImageNet's normalised units.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from explorer.features.trunk import IMAGENET_MEAN, IMAGENET_STD
from explorer.images import Images
from explorer.inversion.invert import Clock, Step
from explorer.metrics.functional import feature_error

LEARNING_RATES = (0.02, 0.05, 0.1, 0.2)
# The best PSNR after 200 steps on a validation picture that nothing is reported on, all four rates tried at
# every layer. At layer4 the PSNR falls from step 50 on at each of them, least at the lowest.
BEST_LEARNING_RATES = {"layer1": 0.2, "layer2": 0.2, "layer3": 0.2, "layer4": 0.02}
NOISE = 0.1  # Standard deviation of the start, in normalised units.
TOTAL_VARIATION = 0.01
# Of the widely copied PyTorch script for Mahendran & Vedaldi (2015), which has them for AlexNet and VGG:
# weights of its terms, exponents, and a learning rate that falls to a tenth in steps, the first time at once.
FEATURE_WEIGHT, ALPHA_WEIGHT, TV_WEIGHT = 1e-1, 1e-7, 1e-8
ALPHA, BETA = 6, 2
SGD_LEARNING_RATE, MOMENTUM = 1e4, 0.9
DECAY_EVERY, DECAY_FACTOR = 40, 0.1

Features = Float[Tensor, "batch ..."]
Pixels = Float[Tensor, "batch 3 height width"]


@dataclass(frozen=True, slots=True)
class Loop:
    """An optimiser over pixels and the loss that it lowers, given features, target and pixels."""

    optimiser: Callable[[Pixels], torch.optim.Optimizer]
    loss: Callable[[Features, Features, Pixels], Float[Tensor, ""]]
    decay_every: int | None = None


def adam(learning_rate: float) -> Loop:
    """Adam on the mean squared difference of features plus total variation."""
    return Loop(lambda pixels: torch.optim.Adam([pixels], lr=learning_rate), _plain_loss)


def mahendran_vedaldi() -> Loop:
    """SGD with momentum and step-wise decay, alpha-norm 6 and TV-beta 2 (Mahendran & Vedaldi 2015)."""
    return Loop(
        lambda pixels: torch.optim.SGD([pixels], lr=SGD_LEARNING_RATE, momentum=MOMENTUM),
        _mahendran_vedaldi_loss,
        DECAY_EVERY,
    )


def follow_loop(
    loop: Loop, network: nn.Module, layer: str, original: Images, *, seed: int = 0
) -> Generator[Step, None, None]:
    """Run a loop without end on the features of a picture, yielding every iterate, the start first.

    The hook is there during a pass only, so that several runs may share the network. A loss that is no
    number is yielded like any other.
    """
    clock = Clock()
    with torch.no_grad():
        target = hooked_features(network, layer, _normalise(original))
    generator = torch.Generator().manual_seed(seed)
    pixels = NOISE * torch.randn(original.shape, generator=generator).to(original.device)
    pixels.requires_grad_()
    optimiser = loop.optimiser(pixels)
    for index in count():
        with torch.enable_grad():
            optimiser.zero_grad()
            features = hooked_features(network, layer, pixels)
            loss = loop.loss(features, target, pixels)
            loss.backward()
        shown = pixels.detach().clone()
        seconds = clock.seconds()
        clock.pause()
        losses = {"feature": float(feature_error(features.detach(), target)), "total": loss.item()}
        yield Step(index, _denormalise(shown), losses, seconds, evaluations=index + 1)
        clock.resume()
        optimiser.step()
        if loop.decay_every and index % loop.decay_every == 0:
            optimiser.param_groups[0]["lr"] *= DECAY_FACTOR


def hooked_features(network: nn.Module, layer: str, pixels: Pixels) -> Features:
    """Run the whole network and catch one layer's output on the way."""
    caught: list[Features] = []
    hook = network.get_submodule(layer).register_forward_hook(lambda *call: caught.append(call[-1]))
    try:
        network(pixels)
    finally:
        hook.remove()
    return caught[0]


def _plain_loss(features: Features, target: Features, pixels: Pixels) -> Float[Tensor, ""]:
    down, right = _differences(pixels)
    return mse_loss(features, target) + TOTAL_VARIATION * (down.abs().mean() + right.abs().mean())


def _mahendran_vedaldi_loss(features: Features, target: Features, pixels: Pixels) -> Float[Tensor, ""]:
    distance = (features - target).square().sum() / target.square().sum()
    down, right = _differences(pixels)
    squares = down[..., :-1].square() + right[:, :, :-1].square()
    priors = ALPHA_WEIGHT * pixels.pow(ALPHA).sum() + TV_WEIGHT * squares.pow(BETA / 2).sum()
    return FEATURE_WEIGHT * distance + priors


def _differences(pixels: Pixels) -> tuple[Tensor, Tensor]:
    """Return the differences of vertical and of horizontal neighbours."""
    return pixels[:, :, 1:] - pixels[:, :, :-1], pixels[..., 1:] - pixels[..., :-1]


def _normalise(images: Images) -> Pixels:
    mean, std = (images.new_tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std


def _denormalise(pixels: Pixels) -> Images:
    mean, std = (pixels.new_tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (pixels * std + mean).clamp(0, 1)
