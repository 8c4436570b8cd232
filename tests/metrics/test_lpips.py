"""LPIPS against its authors' values."""

from pathlib import Path

import pytest
import torch

from explorer.examples import load_example
from explorer.images import read_picture
from explorer.metrics.lpips import Lpips


def test_lpips_gives_its_authors_values_on_their_example_pair():
    pictures = {
        name: read_picture(Path(__file__).parent / "lpips" / f"{name}.png", size=64).images
        for name in ("ex_ref", "ex_p0", "ex_p1")
    }
    metric = Lpips()
    assert metric(pictures["ex_p0"], pictures["ex_ref"]).item() == pytest.approx(0.722, abs=0.0006)
    assert metric(pictures["ex_p1"], pictures["ex_ref"]).item() == pytest.approx(0.138, abs=0.0006)


def test_lpips_of_equal_pictures_is_zero_and_says_nothing_on_stdout(capfd):
    original = torch.cat([load_example(name, size=64).images for name in ("astronaut", "coffee")])
    assert Lpips()(original, original).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert capfd.readouterr().out == ""
