"""The reference loops: what a user would write to invert features today, whole network, hook and pixels.

They are here to be measured against and yield Steps like `invert`. Pixels are in ImageNet's normalised units.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from explorer.benchmarks.comparison import Start
from explorer.features.layers import JOINT_SEPARATOR, UnknownNodeError, shallowest_stage
from explorer.features.trunk import IMAGENET_MEAN, IMAGENET_STD
from explorer.images import Images, Picture
from explorer.inversion.invert import Clock, Step, Steps, describe_divergence
from explorer.lab.lab import Lab
from explorer.lab.run import Run
from explorer.metrics.functional import feature_error

# The best PSNR after 200 steps on a validation picture that nothing is reported on, 0.02, 0.05, 0.1 and 0.2
# tried at every layer. At layer4 the PSNR falls from step 50 on at each of them, least at the lowest.
BEST_LEARNING_RATES = {"layer1": 0.2, "layer2": 0.2, "layer3": 0.2, "layer4": 0.02}
EVALUATIONS = 200
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


def start_loop(name: str) -> Start:
    """Return how to start one of the LOOPS."""

    def start(lab: Lab, picture: Picture, layer: str) -> Run:
        if JOINT_SEPARATOR in layer:
            raise UnknownNodeError(f"The loops invert one layer at a time, not '{layer}'.")
        original = picture.images.to(lab.device)
        steps = follow_loop(LOOPS[name](layer), lab.backbone.network, layer, original, EVALUATIONS)
        return Run(steps, original, layer=layer, method=name)

    return start


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


def follow_loop(loop: Loop, network: nn.Module, layer: str, original: Images, evaluations: int) -> Steps:
    """Run a loop on the features of a picture, yielding every iterate, the start first.

    The hook is there during a pass only, so that several runs may share the network. As of `invert`, the best
    step comes once more, with a notice, where the loss is no number.
    """
    clock = Clock()
    with torch.no_grad():
        target = hooked_features(network, layer, _normalise(original))
    pixels = NOISE * torch.randn(original.shape, generator=torch.Generator().manual_seed(0))
    pixels = pixels.to(original.device).requires_grad_()
    optimiser = loop.optimiser(pixels)
    best = None
    for index in range(evaluations):
        with torch.enable_grad():
            optimiser.zero_grad()
            features = hooked_features(network, layer, pixels)
            loss = loop.loss(features, target, pixels)
            loss.backward()
        shown = pixels.detach().clone()
        seconds = clock.seconds()
        clock.pause()
        losses = {"feature": float(feature_error(features.detach(), target)), "total": loss.item()}
        step = Step(index, _denormalise(shown), losses, seconds, evaluations=index + 1)
        best = step if best is None or losses["total"] < best.losses["total"] else best
        if not math.isfinite(losses["total"]):
            yield replace(best, notice=describe_divergence(index))
            return
        yield step
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


LOOPS: dict[str, Callable[[str], Loop]] = {
    "adam": lambda layer: adam(BEST_LEARNING_RATES[shallowest_stage(layer)]),
    "mahendran-vedaldi": lambda _: mahendran_vedaldi(),
}


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
