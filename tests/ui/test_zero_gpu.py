"""The lent GPU's side of a race, in a process of its own as on a Space, here without the GPU."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from threading import Event

import pytest
import torch

from explorer.examples import load_example
from explorer.features.backbone import UNTRAINED, load_backbone
from explorer.images import quantise
from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab
from explorer.lab.models import Models
from explorer.lab.race import Frame
from explorer.ui.session import zero_gpu
from explorer.ui.session.zero_gpu import RaceRequest, ZeroGpuRace, is_lent, play, set_up_race

SIDE, STEPS = 64, 6
SETTINGS = {"layer1": Settings(evaluations=STEPS), "layer2": Settings(evaluations=STEPS)}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(Models(load_backbone(UNTRAINED)))


@pytest.fixture
def race(lab: Lab) -> ZeroGpuRace:
    return ZeroGpuRace(lab.backbone, load_example("cat", size=SIDE), SETTINGS, "optimiser")


def play_all(request: RaceRequest) -> list[Frame]:
    return list(play(request))


def request() -> RaceRequest:
    picture = load_example("cat", size=SIDE)
    return ZeroGpuRace(load_backbone(UNTRAINED), picture, SETTINGS, "optimiser")._request  # noqa: SLF001


def test_here_no_gpu_is_lent_and_a_race_runs_in_the_page(lab: Lab) -> None:
    assert not is_lent()
    race = set_up_race(lab, load_example("cat", size=SIDE), SETTINGS, "optimiser")
    assert not isinstance(race, ZeroGpuRace)


def test_a_lent_race_ends_with_the_pictures_of_an_ordinary_one(lab: Lab, race: ZeroGpuRace) -> None:
    last = list(race.frames(60))[-1]
    ordinary = lab.race(load_example("cat", size=SIDE), SETTINGS, method="optimiser")
    *_, expected = ordinary.frames()
    assert {panel.state for panel in last.panels.values()} == {"finished"}
    for found, wanted in zip(race.reconstructions(), ordinary.reconstructions(), strict=True):
        assert found.layer == wanted.layer
        assert found.evaluations == wanted.evaluations
        torch.testing.assert_close(found.images, quantise(wanted.images), atol=1.5 / 255, rtol=0)
        assert found.history[-1].psnr_db == pytest.approx(
            expected.panels[found.layer].record.psnr_db, abs=0.1
        )
    assert not race.can_resume()


@pytest.mark.slow
def test_what_crosses_between_processes_is_plain_data() -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        frames = pool.submit(play_all, pickle.loads(pickle.dumps(request()))).result(timeout=120)
    for frame in frames:
        assert pickle.loads(pickle.dumps(frame)) == frame
        assert b"torch" not in pickle.dumps(frame)


def test_a_stop_closes_the_lent_process_generator(race: ZeroGpuRace, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    def endless(request: RaceRequest):
        try:
            for frame in play(request):
                while True:
                    yield frame
        finally:
            closed.append(True)

    monkeypatch.setattr(zero_gpu, "play", endless)
    stop = Event()
    frames = race.frames(60, stop.is_set)
    for frame in islice(frames, 3):
        assert {panel.state for panel in frame.panels.values()} == {"running"}
    stop.set()
    *_, last = frames
    assert closed
    assert {panel.state for panel in last.panels.values()} == {"stopped"}
    assert [made.layer for made in race.reconstructions()] == list(SETTINGS)
