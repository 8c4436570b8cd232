"""Pictures, settings and steps, made by code."""

import torch

from explorer.images import Picture
from explorer.inversion.invert import Step, Steps
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.run import Run

SIZE = 64


def make_picture(seed: int = 0) -> Picture:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    return Picture(f"picture {seed}", torch.nn.functional.interpolate(coarse, SIZE, mode="bilinear"))


def settings_of(*layers: str, evaluations: int = 12) -> dict[str, Settings]:
    return {layer: load_settings(layer, evaluations=evaluations) for layer in layers}


def make_step(index: int, seconds: float, total: float = 1.0, notice: str | None = None) -> Step:
    images = torch.full((1, 3, SIZE, SIZE), 0.5)
    return Step(index, images, {"feature": total, "total": total}, seconds, index + 1, notice)


def play(cost: float, count: int) -> Steps:
    """Yield steps that claim to have cost so many seconds each."""
    for index in range(count):
        yield make_step(index, cost * (index + 1))


def diverge() -> Steps:
    yield make_step(0, 1.0)
    yield make_step(1, 2.0)
    yield make_step(0, 1.0, notice="Optimisation became unstable at step 7; showing the best frame.")


def make_run(steps: Steps, layer: str = "layer1") -> Run:
    return Run(steps, make_picture().images, layer=layer, method="optimiser")
