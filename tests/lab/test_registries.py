"""A prior, a parameterisation or a method is one entry in its table, and is then known everywhere."""

import json
import time
from pathlib import Path

import gradio as gr
import pytest
import torch

from explorer.__main__ import main
from explorer.features.layers import LAYERS
from explorer.images import to_pil
from explorer.inversion.parameterisations import PARAMETERISATIONS, Pixels
from explorer.inversion.priors import PRIORS, Prior
from explorer.inversion.settings import load_settings
from explorer.lab.lab import Lab
from explorer.lab.methods import METHODS, OnePass
from explorer.lab.models import Models
from explorer.ui.api.endpoints import Endpoints
from explorer.ui.session.app_state import AppState
from explorer.ui.tabs.instant import list_decoders
from tests.support.made import SIZE, make_picture
from tests.support.tiny import make_tiny_lab, stand_in


class GreyDecoder(torch.nn.Module):
    def __init__(self, layer: str) -> None:
        super().__init__()
        self.stride = 4 * 2 ** LAYERS.index(layer)

    def forward(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        (maps,) = features.values()
        return torch.full((1, 3, *(self.stride * side for side in maps.shape[2:])), 0.5)


class ModelsWithGrey(Models):
    def ships(self, layer: str, variant: str) -> bool:
        return variant == "grey"

    def decoder(self, layer: str, variant: str, passes: int = 1) -> torch.nn.Module:
        return GreyDecoder(layer)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return stand_in(make_tiny_lab(tmp_path, ModelsWithGrey), monkeypatch)


def reconstruct(folder: Path, *words: str) -> dict:
    """Run the command line on a made picture and return its report."""
    to_pil(make_picture().images).save(folder / "made.png")
    common = ["--layers", "layer1", "--steps", "3", "--size", str(SIZE), "--out", str(folder / "out")]
    assert main(["reconstruct", str(folder / "made.png"), *common, *words]) == 0
    return json.loads((folder / "out" / "report.json").read_text())


def test_a_toy_prior_is_a_setting_of_the_command_line_the_report_and_the_page(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(PRIORS, "brightness", Prior(lambda given: given.images.flatten(1).mean(1)))
    report = reconstruct(tmp_path, "--set", "brightness=100")
    assert report["run"]["settings"]["layer1"]["brightness"] == 100
    race = lab.race(make_picture(), {"layer1": load_settings("layer1", evaluations=30, brightness=100)})
    first, *_, last = race.frames()
    before, after = (frame.panels["layer1"].record.losses["brightness"] for frame in (first, last))
    assert before > 2 * after
    assert last.panels["layer1"].pixels.mean() < 0.5 * first.panels["layer1"].pixels.mean()


def test_a_toy_parameterisation_is_a_setting_of_the_command_line(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(PARAMETERISATIONS, "plain", lambda *_: Pixels())
    report = reconstruct(tmp_path, "--set", "parameterisation=plain")
    assert report["run"]["settings"]["layer1"]["parameterisation"] == "plain"


def test_a_toy_method_is_known_to_the_command_line_the_report_the_api_and_the_page(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(METHODS, "toy", OnePass("grey", "grey: knows nothing"))
    (record,) = reconstruct(tmp_path, "--method", "toy")["results"]
    assert record["method"] == "toy"
    assert (tmp_path / "out" / "made" / "layer1-toy.png").is_file()
    assert ("grey: knows nothing", "toy") in list_decoders()
    state = AppState(lambda: lab)
    state.open()
    deadline = time.monotonic() + 120
    while not state.loading.is_ready and time.monotonic() < deadline:
        time.sleep(0.05)
    assert state.loading.is_ready
    assert "toy" in Endpoints(state, gr.Blocks()).layers()[0]["methods"]
    assert "toy" in (lab.at("layer1").unavailable("magic") or "")
    state.close()
