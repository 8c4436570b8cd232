"""Pictures, settings and steps made for the tests of the lab."""

from dataclasses import replace
from pathlib import Path

import torch

from explorer.decoders.checkpoint import Decoder, decoder_path, save_decoder
from explorer.images import Picture
from explorer.inversion.invert import Step, Steps
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.lab import Lab
from explorer.lab.run import Run
from tests.decoders.test_checkpoint import make_card
from tests.decoders.test_refinement import DECODER, make_random, save_refinement

SIZE = 64


def make_picture(seed: int = 0) -> Picture:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    return Picture(f"picture {seed}", torch.nn.functional.interpolate(coarse, SIZE, mode="bilinear"))


def save_refined(lab: Lab, folder: Path) -> Path:
    """Write a decoder of the tiny network's layer1 and its refinement; return where they are found."""
    card = replace(make_card(lab.trunk("layer1").fingerprint), config=DECODER)
    decoder = Decoder(make_random(DECODER), card)
    save_decoder(decoder.network, card, decoder_path(folder / "tiny", "layer1", "faithful"))
    save_refinement(decoder, folder)
    return folder


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
