"""What this machine does in which time: a convolution, a step of each layer, a decoder's pass."""

import copy
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from explorer.device import Probe, seconds_since
from explorer.features.trunk import Trunk
from explorer.images import Images, Picture
from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab

WARM_UP_ROUNDS = 3
PROBE_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Machine:
    """What the times depend on; the speeds are those of one convolution, measured."""

    cores: int
    threads: int
    device: str
    convolution_gflops: float
    bfloat16_convolution_gflops: float

    def rate(self, precision: str) -> float:
        """Return the speed of the convolution in this precision, in GFLOP/s."""
        return self.bfloat16_convolution_gflops if precision == "bfloat16" else self.convolution_gflops


@dataclass(frozen=True, slots=True)
class StepTime:
    """Milliseconds of one evaluation by the bare trunk (forward + backward) and by all of `invert`.

    Ratio and share of the machine's convolution rate, in the same precision, which `invert` attains, are
    medians over rounds in which all three were timed one after the other.
    """

    layer: str
    precision: str
    gflop: float
    bare_ms: float
    invert_ms: float
    ratio: float
    share_of_rate: float


@dataclass(frozen=True, slots=True)
class DecodeTime:
    """Milliseconds from picture to decoded picture, trunk included."""

    layer: str
    method: str
    decode_ms: float


def measure_machine(device: torch.device) -> Machine:
    """Measure the speed of a typical convolution in both precisions."""
    rates = []
    for dtype in (torch.float32, torch.bfloat16):
        probe = Probe(device, dtype)
        rates.append(median([probe.gflops() for _ in range(WARM_UP_ROUNDS + PROBE_ROUNDS)][WARM_UP_ROUNDS:]))
    return Machine(os.cpu_count() or 1, torch.get_num_threads(), str(device), *rates)


def measure_step_time(lab: Lab, picture: Picture, layer: str, settings: Settings, rounds: int) -> StepTime:
    """Time steps of an inversion and bare evaluations in turns, so that other load on the machine cancels."""
    endless = replace(settings.settle(lab.device), evaluations=None, seconds=None, patience=None)
    at = lab.at(layer)
    trunk, target = at.trunk.cast(endless.dtype_on(lab.device)), at.encode(picture)
    images, probe = picture.images.to(lab.device), Probe(lab.device, trunk.dtype)
    size = images.shape[2], images.shape[3]
    bare, ours, rates = [], [], []
    gflop = count_gflop(trunk, images)
    with closing(at.invert(target, "optimiser", endless, size=size)) as steps:
        before = next(steps)
        for _ in range(WARM_UP_ROUNDS + rounds):
            bare.append(_time_bare_evaluation(trunk, images, target))
            step = next(steps)
            ours.append((step.seconds - before.seconds) / (step.evaluations - before.evaluations))
            before = step
            rates.append(probe.gflops())
    rounds_timed = list(zip(bare, ours, rates, strict=True))[WARM_UP_ROUNDS:]
    return StepTime(
        layer,
        endless.precision,
        gflop,
        bare_ms=1e3 * median(bare_seconds for bare_seconds, _, _ in rounds_timed),
        invert_ms=1e3 * median(seconds for _, seconds, _ in rounds_timed),
        ratio=median(seconds / bare_seconds for bare_seconds, seconds, _ in rounds_timed),
        share_of_rate=median(gflop / seconds / rate for _, seconds, rate in rounds_timed),
    )


def count_gflop(trunk: Trunk, images: Images) -> float:
    """Count the operations of one evaluation, forward and backward, in 10 ** 9.

    On a device without memory, where trunks run the operators that the counter knows.
    """
    with FlopCounterMode(display=False) as counter:
        copy.deepcopy(trunk.graph).to("meta")(images.to("meta"))
    return 2 * counter.get_total_flops() / 1e9  # The gradient of the input costs as much as the way there.


def measure_decode_time(lab: Lab, picture: Picture, layer: str, method: str, rounds: int) -> DecodeTime:
    """Time a decoder's single pass, once it is loaded."""
    times, at = [], lab.at(layer)
    for _ in range(WARM_UP_ROUNDS + rounds):
        started = perf_counter()
        at.decode(at.encode(picture), method)
        times.append(seconds_since(started, lab.device))
    return DecodeTime(layer, method, 1e3 * median(times[WARM_UP_ROUNDS:]))


def _time_bare_evaluation(trunk: Trunk, images: Images, target: Mapping[str, Tensor]) -> float:
    """Time the trunk alone: features of the images, and the gradient of an inner product with the target."""
    images = images.clone().requires_grad_()
    started = perf_counter()
    features = trunk(images)
    outputs = [features[node] for node in target]
    torch.autograd.grad(outputs, images, [target[node].to(trunk.dtype) for node in target])
    return seconds_since(started, images.device)
