"""Experiments go in small steps, between which they can be paused and stopped."""

from collections import OrderedDict
from functools import partial
from importlib import import_module
from itertools import islice
from threading import Event
from typing import Any

import pytest
import torch

from explorer.experiments import backbones, follow_experiment, read_network
from explorer.experiments.linear_maps import LinearMaps
from explorer.features.convolutions import FrozenConvolution
from explorer.features.state import WeightsError
from explorer.lab.lab import Lab
from explorer.ui.jobs.experiment import ExperimentJob

STEPPED: dict[str, dict[str, Any]] = {
    "invariances": {"evaluations": 1000, "seeds": 1},
    "matrix": {"method": "optimiser"},
    "surgery": {"method": "hybrid", "edit": "region"},
    "blend": {"frames": 60},
}
# Of several pictures each is a step.
BY_PICTURE = {"matrix": {"method": "linear"}, "depth": {}, "surgery": {"edit": "region", "method": "linear"}}


class Fitted(LinearMaps):
    """Says that it need not be fitted."""

    @property
    def is_fitted(self) -> bool:
        return True


@pytest.mark.parametrize("name", STEPPED)
def test_a_long_step_yields_in_between(coarse_lab, pictures, name: str) -> None:
    given = pictures[: 2 if name == "blend" else 1]
    results = follow_experiment(name, coarse_lab, given, ["layer1"], **STEPPED[name])
    early = list(islice(results, 5))
    results.close()
    assert len(early) == 5
    assert all(result.progress < 1 for result in early)


@pytest.mark.usefixtures("few_pictures_to_fit")
@pytest.mark.parametrize("name", BY_PICTURE)
def test_pictures_are_measured_one_after_another(coarse_lab, pictures, monkeypatch, name: str) -> None:
    module = import_module(f"explorer.experiments.{name}")
    measured: list[int] = []
    measure = module._measure  # noqa: SLF001 - the step that takes long.
    monkeypatch.setattr(module, "_measure", lambda *given: measured.append(1) or measure(*given))
    results = follow_experiment(name, coarse_lab, pictures, ["layer1"], **BY_PICTURE[name])
    seen = [len(measured) for _ in results]
    assert {1, 2} <= set(seen)


def test_a_network_is_loaded_aside_while_others_take_their_turn(coarse_lab, pictures, monkeypatch) -> None:
    may_load = Event()

    def load(*_given: object, **_options: object) -> None:
        may_load.wait(60)
        raise WeightsError("no such weights")

    monkeypatch.setattr(read_network, "kept", OrderedDict())  # Another test may have looked at the network.
    monkeypatch.setattr(read_network.Lab, "load", load)
    monkeypatch.setattr(read_network, "LinearMaps", Fitted)
    monkeypatch.setattr(backbones, "_bring_back", lambda *_given: ([], []))
    results = follow_experiment("backbones", coarse_lab, pictures[:1], networks="resnet18:untrained")
    waited = [result for result in islice(results, 8) if result.doing == backbones.LOADING]
    may_load.set()
    *_, last = results
    assert len(waited) > 4
    assert last.sentences[0] == "no such weights"


@pytest.mark.slow
def test_networks_to_look_at_again_are_kept_within_a_bound(monkeypatch) -> None:
    monkeypatch.setattr(read_network, "kept", kept := OrderedDict())
    for name in ("resnet18", "resnet34", "resnet18"):
        network = read_network.load(name, "untrained", torch.device("cpu"))
    assert [name for name, *_ in kept] == ["resnet34", "resnet18"]
    monkeypatch.setattr(read_network, "KEPT_BYTES", 1.5 * network.nbytes)
    assert read_network.load("resnet18", "untrained", torch.device("cpu")) is network
    assert [name for name, *_ in kept] == ["resnet18"]


@pytest.mark.slow
def test_a_network_too_large_to_be_kept_takes_its_weights_once(monkeypatch, pictures) -> None:
    monkeypatch.setattr(read_network, "kept", kept := OrderedDict())
    read_network.load("resnet18", "untrained", torch.device("cpu"))
    monkeypatch.setattr(read_network, "KEPT_BYTES", 20e6)
    monkeypatch.setattr(Lab, "load", partial(load_and_see, kept))
    network = read_network.load("resnet34", "untrained", torch.device("cpu"))
    monkeypatch.setattr(FrozenConvolution, "convolve", None)  # Calling it would be an error.
    assert network.maps.trunk(pictures[0].images)
    assert not kept


def load_and_see(kept: OrderedDict, *given: object, load=Lab.load, **options: object) -> Lab:
    assert not kept  # Room is made before, not after.
    return load(*given, **options)


def test_an_experiment_that_is_stopped_ends_within_its_search(coarse_lab, pictures) -> None:
    job = ExperimentJob(
        lambda: follow_experiment(
            "invariances", coarse_lab, pictures[:1], ["layer1"], **STEPPED["invariances"]
        ),
        1000.0,
    )
    next(iter(job.advance(0.0)))
    job.stop()
    (last,) = job.advance(1000.0)
    assert job.is_over
    assert last.progress < 0.1
