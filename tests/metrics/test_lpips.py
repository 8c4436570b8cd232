"""LPIPS against its authors' values, and without its weights."""

import time
from pathlib import Path

import pytest
import torch

from explorer.errors import MetricUnavailable
from explorer.examples import load_example
from explorer.images import read_picture
from explorer.metrics.lpips import Lpips


def test_lpips_without_weights_gives_up_within_seconds_with_a_reason(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    metric, images = Lpips(), torch.zeros(1, 3, 64, 64)
    started = time.perf_counter()
    for _ in range(2):
        with pytest.raises(MetricUnavailable, match=r"alexnet-owt-7be5be79\.pth.*do not download"):
            metric(images, images)
    assert time.perf_counter() - started < 5


def test_lpips_with_a_damaged_file_names_it(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    damaged = tmp_path / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"PK\x03\x04 not really")
    images = torch.zeros(1, 3, 64, 64)
    with pytest.raises(MetricUnavailable, match=r"alexnet-owt-7be5be79\.pth is damaged"):
        Lpips()(images, images)


@pytest.mark.pretrained
def test_lpips_gives_its_authors_values_on_their_example_pair(shared_folder: Path):
    pictures = {
        name: read_picture(shared_folder / "images" / "lpips" / f"{name}.png", size=64).images
        for name in ("ex_ref", "ex_p0", "ex_p1")
    }
    metric = Lpips()
    assert metric(pictures["ex_p0"], pictures["ex_ref"]).item() == pytest.approx(0.722, abs=0.0006)
    assert metric(pictures["ex_p1"], pictures["ex_ref"]).item() == pytest.approx(0.138, abs=0.0006)


@pytest.mark.pretrained
def test_lpips_of_equal_pictures_is_zero_and_says_nothing_on_stdout(capfd):
    original = torch.cat([load_example(name, size=64).images for name in ("astronaut", "coffee")])
    assert Lpips()(original, original).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert capfd.readouterr().out == ""
